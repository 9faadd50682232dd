"""Events as an outside reader gets them: parsed from the file, or received over HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from uuid import UUID

import pytest

from governance.lineage import Edge, LineageGraph, Node
from governance.lineage.emit import LineageSink
from governance.lineage.openlineage import Ran, build_runs

GRAPH = LineageGraph.of(
    [
        Node("source.landing.sales", "source"),
        Node("model.fct_sales", "model"),
        Node("feature.feat_x", "feature"),
    ],
    [
        Edge("source.landing.sales", "model.fct_sales"),
        Edge("model.fct_sales", "feature.feat_x"),
        Edge("column.landing.sales.amount", "column.fct_sales.net", "direct", "column"),
        Edge("column.landing.sales.discount", "column.fct_sales.net", "direct", "column"),
        Edge("column.landing.sales.is_void", "rows.fct_sales", "indirect", "column"),
        Edge("rows.fct_sales", "column.fct_sales.net", "indirect", "column"),
        Edge("column.fct_sales.net", "column.feat_x.units", "direct", "column"),
    ],
)  # fmt: skip


def _result(name, start, end):
    timing = [
        {
            "name": "execute",
            "started_at": f"2017-01-01T00:00:{start}Z",
            "completed_at": f"2017-01-01T00:00:{end}Z",
        }
    ]
    return {"unique_id": f"model.steelyard.{name}", "timing": timing}  # fmt: skip


RESULTS = {
    "results": [
        _result("fct_sales", "01", "03"),
        _result("feat_x", "03", "04"),
        {"unique_id": "test.steelyard.a", "timing": []},
    ]
}


@pytest.fixture
def sent(tmp_path):
    sink = LineageSink.to_file(tmp_path / "out" / "events.ndjson")
    assert sink.send(build_runs(GRAPH, "r1", RESULTS))
    return [json.loads(line) for line in (tmp_path / "out" / "events.ndjson").read_text().splitlines()]


def test_every_run_starts_and_completes_once(sent):
    for job in ("release.build", "dbt.fct_sales", "dbt.feat_x"):
        own = [event for event in sent if event["job"]["name"] == job]
        assert [event["eventType"] for event in own] == ["START", "COMPLETE"]
        assert len({UUID(event["run"]["runId"]) for event in own}) == 1
        assert all(event["schemaURL"].startswith("https://openlineage.io/spec/") for event in own)
    assert len({event["run"]["runId"] for event in sent}) == 3
    child = next(event for event in sent if event["job"]["name"] == "dbt.feat_x")
    whole = next(event for event in sent if event["job"]["name"] == "release.build")
    assert child["run"]["facets"]["parent"]["run"]["runId"] == whole["run"]["runId"]


def test_columns_have_their_origins(sent):
    event = next(e for e in sent if e["job"]["name"] == "dbt.fct_sales" and e["eventType"] == "COMPLETE")
    assert [(d["namespace"], d["name"]) for d in event["inputs"]] == [("steelyard://landing", "sales")]
    (output,) = event["outputs"]
    assert (output["namespace"], output["name"]) == ("steelyard://warehouse", "fct_sales")
    assert output["facets"]["version"]["datasetVersion"] == "r1"
    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == ["net"]
    facet = output["facets"]["columnLineage"]
    origins = facet["fields"]["net"]["inputFields"]
    assert {(o["namespace"], o["name"], o["field"]) for o in origins} == {
        ("steelyard://landing", "sales", "amount"),
        ("steelyard://landing", "sales", "discount"),
    }
    assert {t["type"] for o in origins for t in o["transformations"]} == {"DIRECT"}
    assert [(o["field"], o["transformations"][0]["type"]) for o in facet["dataset"]] == [
        ("is_void", "INDIRECT")
    ]


def test_the_same_run_has_the_same_id_again(sent, tmp_path):
    again = LineageSink.to_file(tmp_path / "again.ndjson")
    again.send(build_runs(GRAPH, "r1", RESULTS))
    other = LineageSink.to_file(tmp_path / "other.ndjson")
    other.send(build_runs(GRAPH, "r2", RESULTS))
    ids = [
        [json.loads(line)["run"]["runId"] for line in (tmp_path / name).read_text().splitlines()]
        for name in ("again.ndjson", "other.ndjson")
    ]
    assert ids[0] == [event["run"]["runId"] for event in sent]
    assert not set(ids[0]) & set(ids[1])


@pytest.fixture
def endpoint():
    received = []

    class Catalogue(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, self.headers.get("Authorization"), json.loads(body)))
            self.send_response(201)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Catalogue)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()


def test_an_endpoint_receives_them_with_the_key(endpoint):
    url, received = endpoint
    at = "2017-01-01T00:00:00+00:00"
    ran = Ran("decision.approve", "7", ["recommendation.a"], ["decision.b"], at, at, "DECISION")
    assert LineageSink.to_endpoint(url, api_key="sesame").send([ran])  # pragma: allowlist secret
    assert [(path, key) for path, key, _ in received] == [("/api/v1/lineage", "Bearer sesame")] * 2
    assert received[1][2]["inputs"][0]["name"] == "a"
    assert received[1][2]["outputs"][0] == {
        "namespace": "steelyard://ops",
        "name": "b",
        "facets": {},
        "outputFacets": {},
    }


def test_an_endpoint_that_is_away_stops_nothing(caplog):
    at = "2017-01-01T00:00:00+00:00"
    sink = LineageSink.to_endpoint("http://127.0.0.1:9", timeout_seconds=0.2)
    assert not sink.send([Ran("train.demand", "1", [], [], at, at)])
    assert "train.demand" in caplog.text
