"""The command line as a person or script meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT


def test_query_prints_the_documented_shape(cli):
    answer = cli.answer(
        "metric", "query", "-m", "net_sales", "-g", "location__region", "--order-by", "-net_sales"
    )
    assert [c["name"] for c in answer["columns"]] == ["location__region", "net_sales"]
    assert [row[0] for row in answer["rows"]] and answer["release"]
    values = [row[1] for row in answer["rows"]]
    assert values == sorted(values, reverse=True)


def test_groups_come_in_their_order_where_none_is_named(cli):
    groups = ("-g", "metric_time__quarter", "-g", "location__region")
    rows = cli.answer("metric", "query", "-m", "net_sales", *groups)["rows"]
    assert len(rows) > 8 and rows == sorted(rows)


def test_the_same_number_from_command_line_and_api(cli, client, sign_in):
    arguments = [
        "-m",
        "net_sales",
        "-m",
        "inventory_turns",
        "-g",
        "metric_time__month",
        "--as",
        "planner_east",
    ]
    ours = cli.answer("metric", "query", *arguments)
    body = {
        "metrics": ["net_sales", "inventory_turns"],
        "group_by": ["metric_time__month"],
        "order_by": ["metric_time__month"],
    }
    theirs = client.post("/v1/query", json=body, headers=sign_in("planner_east")).json()
    assert theirs.pop("next_cursor") is None  # a page further is for HTTP
    assert ours == theirs
    assert len(ours["rows"]) == 12


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["metric", "query", "-m", "net_sale"], 1, "net_sales"),
        (["metric", "query", "-m", "net_sales", "-g", "product__departmnt"], 1, "product__department"),
        (["metric", "query", "-m", "net_sales", "--as", "planner_eats"], 1, "planner_east"),
        (["metric", "query", "-m", "net_sales", "--release", "nope"], 1, "nope"),
        (["metric", "query", "-m", "net_sales", "-w", "{{ nonsense"], 1, ""),
        (["metric", "query", "-m", "net_sales", "--limit", "x"], 2, "limit"),
        (["metric", "query"], 2, "metric"),
        (["metric", "quary"], 2, "quary"),
        (["auth", "token", "nobody"], 1, "nobody"),
        (["lineage", "show", "metric.net_sale"], 1, "net_sales"),
        (["recommendation", "show", "nope"], 1, "nope"),
        (["release", "publish", "../.."], 1, "../.."),
        (["ingest", "run", "--source", "/nowhere"], 1, "/nowhere"),
        (["ingest", "run", "--source", "nosuch://host/db"], 1, "driver"),
        (["metric", "query", "-m", "net_sales", "-g", "metric_time__mont"], 1, "month"),
        (
            ["metric", "query", "-m", "net_sales", "--from", "2017-13-01"],
            1,
            "'2017-13-01' is not an ISO date",
        ),
        (["recommendation", "list", "--state", "opne"], 2, "in_review"),
        (["recommendation", "impact", "--action", "order"], 2, "reorder"),
        (["policy", "explain", "see_marginn", "--as", "executive"], 1, "see_margin"),
        (["lineage", "show", "metric.net_sales", "--svg", "/nowhere/x.svg"], 2, "/nowhere/x.svg"),
        (["lineage", "show", "recommendation.nope"], 1, "recommendation list"),
        (["model", "review", "demnd"], 1, "demnd"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_with_the_near_miss(cli, arguments, status, says):
    code, out, err = cli(*arguments, as_json=False)
    assert code == status, err
    assert says in out + err
    assert "Traceback" not in out + err


def test_errors_are_json_where_json_was_asked_for(cli):
    code, out, err = cli("metric", "query", "-m", "net_sale")
    assert (code, out) == (1, "")
    error = json.loads(err)["error"]
    assert "net_sale" in error["message"]
    assert "net_sales" in error["hint"]


def test_a_token_is_printed_alone_and_signs_in(cli, client):
    code, out, _ = cli("auth", "token", "auditor", as_json=False)
    assert code == 0
    assert out.count("\n") == 1
    assert client.get("/v1/metrics", headers={"Authorization": f"Bearer {out.strip()}"}).status_code == 200


def test_sql_is_what_runs(cli, warehouse):
    sql = cli.answer("metric", "sql", "-m", "net_sales")["sql"]
    number = cli.answer("metric", "query", "-m", "net_sales")["rows"][0][0]
    assert float(warehouse.execute(sql).fetchone()[0]) == pytest.approx(number)


def test_the_audit_of_a_fresh_store_holds(cli):
    assert cli.answer("audit", "verify")["holds"] is True


def test_one_end_of_the_time_range_may_be_left_open(cli, warehouse):
    def by_hand(condition):
        return float(
            warehouse.execute(f"SELECT sum(net_sales) FROM fct_sales_lines WHERE {condition}").fetchone()[0]
        )

    since = cli.answer("metric", "query", "-m", "net_sales", "--from", "2017-12-01")["rows"][0][0]
    until = cli.answer("metric", "query", "-m", "net_sales", "--to", "2017-02-28")["rows"][0][0]
    assert since == pytest.approx(by_hand("date_day >= DATE '2017-12-01'"))
    assert until == pytest.approx(by_hand("date_day <= DATE '2017-02-28'"))


def test_a_setting_that_cannot_be_read_is_named_without_its_value():
    script = str(Path(sys.executable).parent / "steelyard")
    environment = {"STEELYARD_API_PORT": "eighty", "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [script, "metric", "list"], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "STEELYARD_API_PORT" in done.stderr
    assert "eighty" not in done.stderr
    assert "Traceback" not in done.stderr
