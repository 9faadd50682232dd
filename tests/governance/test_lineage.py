"""Column origins checked against a project small enough to know by heart."""

import json

import duckdb
import pytest

from governance.errors import LineageError, UnknownNode
from governance.lineage import Edge, LineageGraph, Node, build_lineage, write_lineage

SALES = """
with kept as (
    select s.id, s.amount - s.discount as net, s.shop, 1 as one, s.amount as a
    from read_parquet('x/*.parquet') as s
    where s.is_void = false
),
both as (select id, net, shop, a from kept union all select id, a, shop, net from kept)
select both.id, sum(both.net) as net, count(*) as lines, max(p.region) as region, 'x' as label,
    row_number() over (partition by p.region order by both.id) as position
from both left join "w"."main"."places" as p on p.shop = both.shop
group by both.id, p.region
"""


def _node(name, sql, parents, columns):
    return {
        "resource_type": "model", "name": name, "alias": name, "schema": "main", "database": "w",
        "compiled_code": sql, "depends_on": {"nodes": parents}, "columns": {column: {} for column in columns},
    }  # fmt: skip


@pytest.fixture
def release(tmp_path):
    source = {"source_name": "landing", "name": "sales", "relation_name": "read_parquet('x/*.parquet')"}
    place = {"source_name": "landing", "name": "shops", "relation_name": "read_parquet('y')"}
    manifest = {
        "sources": {"source.p.landing.sales": source, "source.p.landing.shops": place},
        "nodes": {
            "model.p.places": _node(
                "places",
                "select h.shop, h.region from read_parquet('y') as h",
                ["source.p.landing.shops"],
                ["shop", "region"],
            ),
            "model.p.sales": _node("sales", SALES, ["model.p.places", "source.p.landing.sales"], []),
            "model.p.feat_x": _node("feat_x", 'select * from "w"."main"."sales"', ["model.p.sales"], []),
        },
        "exposures": {
            "x": {"name": "board", "depends_on": {"nodes": ["metric.p.net_sales", "model.p.sales"]}}
        },
    }  # fmt: skip
    simple = {"measure": {"name": "net"}, "input_measures": [{"name": "net"}]}
    semantic = {
        "semantic_models": [
            {
                "name": "sales",
                "node_relation": {"alias": "sales"},
                "measures": [{"name": "net", "expr": "net / 2"}],
            }
        ],
        "metrics": [
            {"name": "net_sales", "type": "simple", "type_params": simple},
            {"name": "growth", "type": "derived", "type_params": {"metrics": [{"name": "net_sales"}]}},
        ],
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "semantic_manifest.json").write_text(json.dumps(semantic))
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:
        con.execute("CREATE TABLE places (shop INT, region VARCHAR)")
        con.execute(
            "CREATE TABLE sales (id INT, net INT, lines INT, region VARCHAR, label VARCHAR, position INT)"
        )
    return tmp_path


def _origins(graph, column, kind="direct"):
    return {e.source for e in graph.edges if e.target == column and e.kind == kind}


def test_columns_lead_to_their_origins(release):
    graph = build_lineage(release)
    assert graph.unresolved == ()
    landing = "column.landing.sales"
    assert _origins(graph, "column.sales.net") == {f"{landing}.amount", f"{landing}.discount"}
    assert _origins(graph, "column.sales.region") == {"column.places.region"}
    assert _origins(graph, "column.sales.lines") == set()
    assert _origins(graph, "column.sales.label") == set()
    assert _origins(graph, "column.sales.position") == {"column.places.region", f"{landing}.id"}
    assert _origins(graph, "column.feat_x.net") == {"column.sales.net"} or "feat_x" in str(graph.unresolved)
    assert _origins(graph, "metric.net_sales") >= {"column.sales.net", "model.sales"}


def test_filters_and_joins_are_indirect(release):
    graph = build_lineage(release)
    deciding = _origins(graph, "rows.sales", "indirect")
    assert {"column.landing.sales.is_void", "column.landing.sales.shop", "column.places.shop"} <= deciding
    assert "rows.sales" in graph.upstream("column.sales.lines").nodes
    assert "column.landing.shops.region" in graph.upstream("column.sales.net").nodes


def test_tables_metrics_and_features_both_ways(release):
    graph = build_lineage(release)
    up = graph.upstream("metric.growth")
    assert {"metric.net_sales", "model.sales", "source.landing.sales", "source.landing.shops"} <= set(
        up.nodes
    )
    assert set(graph.upstream("metric.growth", 1).nodes) == {"metric.growth", "metric.net_sales"}
    down = set(graph.downstream("source.landing.shops").nodes)
    assert {"model.places", "feature.feat_x", "metric.growth", "exposure.board"} <= down
    assert len(graph.around("model.sales").nodes) > len(graph.upstream("model.sales").nodes)


def test_a_lost_origin_is_named(release):
    manifest = json.loads((release / "manifest.json").read_text())
    manifest["nodes"]["model.p.places"]["compiled_code"] = "select * from read_parquet('y')"
    manifest["nodes"]["model.p.feat_x"]["compiled_code"] = "select this is not sql from"
    (release / "manifest.json").write_text(json.dumps(manifest))
    lost = dict(build_lineage(release).unresolved)
    assert "model.feat_x" in lost
    assert any(name.startswith(("column.places", "model.places")) for name in lost)


def test_written_and_read_again(release):
    write_lineage(release)
    graph = LineageGraph.load(release / "lineage.json")
    assert graph.as_dict() == build_lineage(release).as_dict()
    assert graph.facts["resolved_share"] == 1.0
    (release / "lineage.json").write_text("{}")
    with pytest.raises(LineageError):
        LineageGraph.load(release / "lineage.json")


def test_unknown_nodes_get_a_near_miss(release):
    graph = build_lineage(release)
    for wrong, right in (("metric.net_sale", "metric.net_sales"), ("model.sale", "model.sales")):
        with pytest.raises(UnknownNode) as error:
            graph.upstream(wrong)
        assert right in error.value.hint


def test_a_picture_and_an_extension(release):
    graph = build_lineage(release)
    more = graph.extended(
        [Node('recommendation."1"', "recommendation")], [Edge("feature.feat_x", 'recommendation."1"')]
    )
    picture = more.downstream("feature.feat_x").to_mermaid()
    assert picture.startswith("flowchart LR")
    assert '"1"' not in picture
    assert picture.count("-->") == 1


def test_cycles_end():
    loop = LineageGraph.of([Node("a", "model"), Node("b", "model")], [Edge("a", "b"), Edge("b", "a")])
    assert set(loop.upstream("a").nodes) == {"a", "b"}
