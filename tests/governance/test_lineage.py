"""Column origins checked against a project small enough to know by heart."""

import json
from xml.etree import ElementTree

import duckdb
import pytest

from governance.errors import LineageError, UnknownNodeError
from governance.lineage import Edge, LineageGraph, Node, SourceFile, build_lineage, write_lineage
from governance.lineage.draw import _places, to_svg

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


RELATION = {"alias": "sales", "schema_name": "main", "database": "w", "relation_name": '"w"."main"."sales"'}
SEMANTIC = {
    "semantic_models": [
        {
            "name": "sales",
            "node_relation": RELATION,
            "entities": [{"name": "sale", "type": "primary", "expr": "id"}],
            "dimensions": [{"name": "label", "type": "categorical", "expr": None}],
            "measures": [{"name": "net", "agg": "sum", "expr": "net / 2", "agg_time_dimension": "day"}],
        }
    ],
    "metrics": [
        {
            "name": "net_sales",
            "type": "simple",
            "type_params": {"measure": {"name": "net"}, "input_measures": [{"name": "net"}]},
            "filter": {"where_filters": [{"where_sql_template": "{{ Dimension('sale__label') }} = 'x'"}]},
        },
        {
            "name": "growth",
            "type": "derived",
            "type_params": {"expr": "net_sales * 2", "metrics": [{"name": "net_sales"}]},
        },
    ],
    "project_configuration": {"time_spines": [], "time_spine_table_configurations": []},
}  # fmt: skip


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
    (tmp_path / "semantic_manifest.json").write_text(json.dumps(SEMANTIC))
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
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
    assert _origins(graph, "metric.net_sales") == {"column.sales.net", "model.sales"}
    assert _origins(graph, "metric.net_sales", "indirect") == {"column.sales.label", "rows.sales"}


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


def test_files_lead_to_every_column_that_is_read(release):
    graph = build_lineage(release, files=[SourceFile("till.csv", "sales", "b1")])
    assert "file.till.csv" in graph.upstream("feature.feat_x").nodes
    assert "file.till.csv" in graph.upstream("column.sales.net").nodes
    assert "file.till.csv" not in graph.upstream("column.places.region").nodes
    assert {"metric.net_sales", "metric.growth", "exposure.board"} <= set(
        graph.downstream("file.till.csv").nodes
    )


def test_a_column_reaches_derived_metrics_and_dashboards(release):
    graph = build_lineage(release)
    reached = set(graph.downstream("column.landing.sales.discount").nodes)
    assert {"column.sales.net", "metric.net_sales", "metric.growth", "exposure.board"} <= reached
    by_column = graph.upstream("metric.growth", columns=True).nodes
    assert "column.landing.sales.discount" in by_column
    assert not any(name.startswith("model.") for name in by_column)


def test_only_what_changed_is_traced_again(release):
    write_lineage(release)
    earlier = release / "earlier.json"
    (release / "lineage.json").rename(earlier)
    same = build_lineage(release, previous=earlier)
    assert same.facts["models_taken_over"] == 3
    assert same.as_dict() | {"facts": {}} == build_lineage(release).as_dict() | {"facts": {}}

    manifest = json.loads((release / "manifest.json").read_text())
    changed = SALES.replace("s.amount - s.discount", "s.amount + s.tax")
    manifest["nodes"]["model.p.sales"]["compiled_code"] = changed
    (release / "manifest.json").write_text(json.dumps(manifest))
    graph = build_lineage(release, previous=earlier)
    assert graph.facts["models_taken_over"] == 2
    assert _origins(graph, "column.sales.net") == {"column.landing.sales.amount", "column.landing.sales.tax"}
    assert graph.as_dict() | {"facts": {}} == build_lineage(release).as_dict() | {"facts": {}}


def test_a_new_column_upstream_is_seen_by_a_star(release):
    write_lineage(release)
    earlier = release / "earlier.json"
    (release / "lineage.json").rename(earlier)
    with duckdb.connect(str(release / "warehouse.duckdb")) as con:
        con.execute("ALTER TABLE sales ADD COLUMN extra INT")
    graph = build_lineage(release, previous=earlier)
    assert _origins(graph, "column.feat_x.extra") == {"column.sales.extra"}


def test_the_svg_draws_every_node_and_escapes_names(release):
    graph = build_lineage(release, files=[SourceFile("<b>.csv", "sales", "b1")])
    picture = to_svg(graph, focus="metric.growth", link=lambda name: f"/lineage/{name}")
    drawn = ElementTree.fromstring(picture)  # noqa: S314  written by ourselves
    space = "{http://www.w3.org/2000/svg}"
    assert {a.get("href") for a in drawn.iter(f"{space}a")} == {f"/lineage/{name}" for name in graph.nodes}
    pairs = {(e.source, e.target) for e in graph.edges}
    assert len(list(drawn.iter(f"{space}path"))) == len(pairs)
    boxes = [g.get("transform") for g in drawn.iter(f"{space}g")]
    assert len(set(boxes)) == len(boxes) == len(graph.nodes)  # no two lie on each other
    assert to_svg(graph) == to_svg(LineageGraph.of(reversed(graph.nodes.values()), reversed(graph.edges)))


def test_edges_run_left_to_right(release):
    graph = build_lineage(release).upstream("metric.growth")
    places = _places(graph)
    assert all(places[e.source][0] < places[e.target][0] for e in graph.edges)


def test_unknown_nodes_get_a_near_miss(release):
    graph = build_lineage(release)
    for wrong, right in (("metric.net_sale", "metric.net_sales"), ("model.sale", "model.sales")):
        with pytest.raises(UnknownNodeError) as error:
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
