"""`/v1/query` in pages, and as CSV: the same rows, policy and masks as the JSON answer."""

from __future__ import annotations

import csv
import io
import json

QUERY = {
    "metrics": ["net_sales"],
    "group_by": ["product__department", "metric_time__month"],
    "order_by": ["product__department"],
    "time_constraint": ["2017-03-01", "2017-06-30"],
}


def test_pages_over_http(client, sign_in):
    headers = sign_in("planner_east")
    whole = client.post("/v1/query", json=QUERY | {"limit": 1000}, headers=headers).json()
    assert whole["next_cursor"] is None and whole["as_of"] == "2017-12-31"
    rows, cursor = [], None
    for _ in range(100):
        body = QUERY | {"limit": 7} | ({"cursor": cursor} if cursor else {})
        answer = client.post("/v1/query", json=body, headers=headers)
        rows += answer.json()["rows"]
        cursor = answer.json()["next_cursor"]
        assert answer.headers.get("Steelyard-Next-Cursor") == cursor
        if cursor is None:
            break
    assert rows == whole["rows"] and len(rows) > 14
    skipped = client.post("/v1/query", json=QUERY | {"offset": 5, "limit": 3}, headers=headers).json()
    assert skipped["rows"] == whole["rows"][5:8]


def test_a_cursor_is_of_one_reader(client, sign_in):
    first = client.post("/v1/query", json=QUERY | {"limit": 3}, headers=sign_in("planner_east")).json()
    body = QUERY | {"limit": 3, "cursor": first["next_cursor"]}
    answer = client.post("/v1/query", json=body, headers=sign_in("planner_west"))
    assert answer.status_code == 400 and answer.json()["code"] == "invalid-cursor"


def test_csv_has_the_rows_of_json(client, sign_in):
    for user in ("planner_east", "store_manager", "finance_controller"):
        headers = sign_in(user)
        for path, body in (("/v1/query", QUERY), ("/v1/sql", {"sql": (
            "SELECT product__department AS d, metric_time__month AS m, MEASURE(net_sales) AS s "
            "FROM metrics GROUP BY 1, 2 ORDER BY 1, 2"
        )})):  # fmt: skip
            as_json = client.post(path, json=body, headers=headers).json()
            answer = client.post(path, json=body, headers=headers | {"Accept": "text/csv"})
            assert answer.headers["content-type"].startswith("text/csv")
            assert answer.headers["steelyard-as-of"] == "2017-12-31"
            names, *rows = csv.reader(io.StringIO(answer.text, newline=""))
            assert names == [c["name"] for c in as_json["columns"]]
            assert {tuple(map(_plain, row)) for row in rows} == {
                tuple(map(_plain, row)) for row in as_json["rows"]
            }


def _plain(value):
    """Numbers as numbers, days as days; a DECIMAL has its zeros in CSV."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value or "")[:10]


def test_a_refusal_is_a_problem_document_for_csv_as_well(client, sign_in):
    answer = client.post(
        "/v1/query", json={"metrics": ["nope"]}, headers=sign_in("executive") | {"Accept": "text/csv"}
    )
    assert answer.status_code == 400 and answer.headers["content-type"].startswith("application/problem+json")


def test_json_is_given_unless_another_form_is_preferred(client, sign_in):
    headers = sign_in("executive")
    for accept, kind in [
        ("*/*", "application/json"),
        ("text/html", "application/json"),
        ("application/json, text/csv;q=0.5", "application/json"),
        ("application/json;q=0.1, text/csv", "text/csv"),
        ("TEXT/CSV; q=x", "application/json"),
    ]:
        asked = headers | {"Accept": accept}
        answer = client.post("/v1/query", json={"metrics": ["net_sales"]}, headers=asked)
        assert answer.headers["content-type"].startswith(kind), accept


def test_offset_on_the_command_line(cli):
    command = ["metric", "query", "-m", "net_sales", "-g", "metric_time__month"]
    whole = cli.answer(*command)["rows"]
    assert cli.answer(*command, "--limit", "3", "--offset", "4")["rows"] == whole[4:7]
    assert json.dumps(whole[-1]) == json.dumps(cli.answer(*command, "--offset", "11")["rows"][0])
