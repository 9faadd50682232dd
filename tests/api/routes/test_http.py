"""The API as a client meets it: nothing anonymous, numbers equal, refusals as problem documents."""

from urllib.parse import quote

import pyarrow as pa
import pytest

ANONYMOUS = {"/healthz", "/readyz"}
PROBLEM = "application/problem+json"


def operations(client):
    for path, methods in client.app.openapi()["paths"].items():
        for method in methods:
            yield method, path


def test_nothing_but_health_answers_without_a_token(client):
    seen = 0
    for method, path in operations(client):
        if path in ANONYMOUS:
            continue
        answer = client.request(method, path.replace("{", "").replace("}", ""), json={})
        assert answer.status_code == 401, (method, path)
        assert answer.headers["content-type"] == PROBLEM
        assert answer.headers["www-authenticate"] == "Bearer"
        seen += 1
    assert seen >= 12
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "null", "Bearer"])
def test_a_token_that_is_none_is_refused(client, token):
    answer = client.get("/v1/metrics", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


def test_the_bare_address_leads_to_the_review_page(client):
    answer = client.get("/", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "/review")


@pytest.mark.parametrize("name", ["'", "demand' OR name = 'margin_risk", '"', "%00", "\u2028"])
def test_a_model_of_any_other_name_does_not_exist(client, sign_in, name):
    answer = client.get(f"/v1/models/{quote(name)}", headers=sign_in("ml_reviewer"))
    assert answer.status_code == 404, answer.text


def test_query_answers_json_and_arrow_alike(client, sign_in, warehouse):
    body = {
        "metrics": ["net_sales"],
        "group_by": ["product__department"],
        "order_by": ["product__department"],
    }
    headers = sign_in("analytics_engineer")
    as_json = client.post("/v1/query", json=body, headers=headers).json()
    assert as_json["columns"] == [
        {"name": "product__department", "type": "string"},
        {"name": "net_sales", "type": "number"},
    ]
    arrow = client.post(
        "/v1/query", json=body, headers=headers | {"Accept": "application/vnd.apache.arrow.stream"}
    )
    table = pa.ipc.open_stream(arrow.content).read_all()
    assert table.column("product__department").to_pylist() == [row[0] for row in as_json["rows"]]
    assert arrow.headers["x-steelyard-release"] == as_json["release"]
    by_hand = warehouse.execute(
        "SELECT department, sum(net_sales) FROM fct_sales_lines LEFT JOIN dim_product USING (product_id)"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert [row[0] for row in as_json["rows"]] == [row[0] for row in by_hand]
    assert [row[1] for row in as_json["rows"]] == pytest.approx([float(row[1]) for row in by_hand])


def test_a_planner_sees_the_own_region_only(client, sign_in, warehouse):
    body = {"metrics": ["net_sales"], "group_by": ["location__region"]}
    rows = client.post("/v1/query", json=body, headers=sign_in("planner_east")).json()["rows"]
    by_hand = warehouse.execute(
        "SELECT sum(net_sales) FROM fct_sales_lines JOIN dim_location USING (location_id)"
        " WHERE region = 'East'"
    ).fetchone()[0]
    assert [row[0] for row in rows] == ["East"]
    assert rows[0][1] == pytest.approx(float(by_hand))
    total = client.post("/v1/query", json={"metrics": ["net_sales"]}, headers=sign_in("planner_east")).json()
    assert total["rows"][0][0] == pytest.approx(float(by_hand))


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"metrics": ["net_sale"]}, 400, "net_sales"),
        ({"metrics": ["net_sales"], "group_by": ["product__departmnt"]}, 400, "product__department"),
        ({"metrics": ["net_sales"], "where": ["{{ Dimension('product__department' }} ="]}, 400, ""),
        ({"metrics": ["net_sales"], "order_by": ["nothing"]}, 400, "nothing"),
        ({"metrics": ["net_sales"], "limit": -1}, 422, "limit"),
        ({"metrics": ["net_sales"], "limit": "many"}, 422, "limit"),
        ({"metrics": "net_sales"}, 422, "metrics"),
        ({"metrics": ["net_sales"], "surprise": 1}, 422, "surprise"),
        ({"metrics": ["net_sales"], "time_constraint": ["yesterday", "2017-01-01"]}, 400, "yesterday"),
        ({"metrics": ["net_sales"], "release": "20200101T000000-none"}, 404, "20200101T000000-none"),
        ({}, 400, ""),
    ],
)
def test_a_bad_query_is_refused_with_what_is_wrong(client, sign_in, body, status, says):
    answer = client.post("/v1/query", json=body, headers=sign_in("analytics_engineer"))
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert answer.headers["content-type"] == PROBLEM
    assert says in problem["detail"] + problem["hint"]
    assert "Traceback" not in answer.text


def test_malformed_json_and_huge_bodies_are_refused(client, sign_in):
    headers = sign_in("analytics_engineer") | {"Content-Type": "application/json"}
    assert client.post("/v1/query", content=b"{", headers=headers).status_code == 422
    assert (
        client.post("/v1/query", content=b'"' + b"x" * 2_000_000 + b'"', headers=headers).status_code == 413
    )


def test_metrics_are_described_and_an_unknown_one_names_the_near_miss(client, sign_in):
    headers = sign_in("executive")
    rows = {row["name"]: row for row in client.get("/v1/metrics", headers=headers).json()["items"]}
    assert rows["net_sales"]["description"]
    assert rows["inventory_value"]["is_simulated"] is True
    assert rows["net_sales"]["is_simulated"] is False
    assert client.get("/v1/metrics/net_sales", headers=headers).json() == rows["net_sales"]
    missing = client.get("/v1/metrics/net_sale", headers=headers)
    assert missing.status_code == 404
    assert "net_sales" in missing.json()["hint"]


def test_dimensions_are_those_that_the_metrics_share(client, sign_in):
    headers = sign_in("analytics_engineer")
    both = client.get(
        "/v1/dimensions", params={"metrics": ["net_sales", "inventory_value"]}, headers=headers
    ).json()
    names = {row["name"] for row in both["items"]}
    assert {"product__department", "location__region", "metric_time"} <= names
    assert "customer__segment" not in names


def test_lineage_walks_both_ways(client, sign_in):
    headers = sign_in("auditor")
    up = client.get(
        "/v1/lineage/metric.gross_margin_rate", params={"direction": "upstream"}, headers=headers
    ).json()
    assert "source.landing.sales_lines" in {node["id"] for node in up["nodes"]}
    down = client.get(
        "/v1/lineage/source.landing.sales_lines", params={"direction": "downstream"}, headers=headers
    )
    assert "metric.net_sales" in {node["id"] for node in down.json()["nodes"]}
    missing = client.get("/v1/lineage/metric.net_sale", headers=headers)
    assert (missing.status_code, "net_sales" in missing.json()["hint"]) == (404, True)


def test_releases_models_and_headers(client, sign_in):
    headers = sign_in("ml_reviewer")
    releases = client.get("/v1/releases", headers=headers).json()["items"]
    assert [r["is_current"] for r in releases].count(True) == 1
    models = client.get("/v1/models", headers=headers).json()["items"]
    assert any("champion" in model["aliases"] for model in models)
    answer = client.get("/v1/releases", headers=headers)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]


def test_only_those_who_may_read_the_audit(client, sign_in):
    assert client.get("/v1/audit", headers=sign_in("auditor")).status_code == 200
    refused = client.get("/v1/audit", headers=sign_in("planner_east"))
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_lineage_as_a_picture(client, sign_in):
    headers = sign_in("auditor") | {"Accept": "image/svg+xml"}
    answer = client.get("/v1/lineage/metric.gmroi", params={"direction": "upstream"}, headers=headers)
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.text.startswith("<svg")
    assert {"fct_sales_lines", "fct_inventory_daily"} <= set(answer.text.replace("<", ">").split(">"))


def test_lineage_by_column_ends_at_files(client, sign_in):
    params = {"direction": "upstream", "columns": "true"}
    answer = client.get("/v1/lineage/metric.net_sales", params=params, headers=sign_in("auditor")).json()
    kinds = {node["kind"] for node in answer["nodes"]}
    assert kinds == {"metric", "column", "file"}
    assert "column.landing.sales_lines.sales_value" in {node["id"] for node in answer["nodes"]}
