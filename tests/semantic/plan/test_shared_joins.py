"""Joins over one path: shared if a test says that the key is unique, otherwise one chain for each target."""

from __future__ import annotations

import duckdb
import pytest

from semantic import MetricQuery, SemanticLayer
from semantic.definitions import build_catalog
from semantic.definitions.unique_keys import UniqueKeys

from ..retailer import database, manifest

BY = ["product__department", "product__supplier__supplier_name", "product__supplier"]


def unique(*columns: str) -> UniqueKeys:
    relations = {m.name: m.relation for m in build_catalog(manifest()).models.values()}
    by_table = {relation.rsplit(".", 1)[-1]: relation for relation in relations.values()}
    return frozenset((by_table[c.partition(".")[0]], c.partition(".")[2]) for c in columns)


def layer_with(keys: UniqueKeys) -> SemanticLayer:
    return SemanticLayer(build_catalog(manifest(), unique_keys=keys))


@pytest.mark.parametrize(
    ("keys", "joins_of_products"),
    [((), 2), (("dim_product.product_id",), 1), (("dim_location.location_id",), 2)],
)
def test_a_step_is_joined_once_if_its_key_is_unique(keys: tuple[str, ...], joins_of_products: int) -> None:
    compiled = layer_with(unique(*keys)).compile(MetricQuery(["net_sales"], BY[:2]))
    assert compiled.sql.count("JOIN main.dim_product") == joins_of_products


def test_rows_are_the_same_and_a_key_that_no_test_holds_keeps_a_chain_for_each_target() -> None:
    tables: duckdb.DuckDBPyConnection = database()
    query = MetricQuery(["net_sales"], BY, order_by=BY)
    alone, shared = layer_with(unique()), layer_with(unique("dim_product.product_id"))
    rows = [tables.execute(layer.compile(query).sql).fetchall() for layer in (alone, shared)]
    assert rows[0] == rows[1] and len(rows[0]) > 2
    before = sum(row[-1] for row in rows[0] if row[-1] is not None)
    tables.execute("INSERT INTO dim_product SELECT * FROM dim_product")  # now each key has two rows
    twice = tables.execute(alone.compile(MetricQuery(["net_sales"], BY[:2])).sql).fetchall()
    once = tables.execute(alone.compile(MetricQuery(["net_sales"], BY[:1])).sql).fetchall()
    assert sum(r[-1] for r in twice) > sum(r[-1] for r in once) > before


def test_values_of_dimensions_keep_both_sides_of_every_join() -> None:
    query = MetricQuery([], BY[:2])
    assert (
        layer_with(unique()).compile(query).sql
        == layer_with(unique("dim_product.product_id")).compile(query).sql
    )


def test_dimensions_of_one_target_share_its_whole_path_though_no_key_is_tested() -> None:
    raw = manifest()
    supplier = next(m for m in raw["semantic_models"] if m["name"] == "dim_supplier")
    supplier["dimensions"].append({"name": "alias", "type": "categorical", "expr": "supplier_name"})
    by = ["product__supplier__supplier_name", "product__supplier__alias"]
    compiled = SemanticLayer(build_catalog(raw)).compile(MetricQuery(["net_sales"], by))
    assert compiled.sql.count("JOIN main.dim_product") == compiled.sql.count("JOIN main.dim_supplier") == 1
    rows = database().execute(compiled.sql).fetchall()
    assert len(rows) > 1 and all(row[0] == row[1] for row in rows)
