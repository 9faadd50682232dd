"""Tags go where columns go: keys built from a household's key, keys of its rows, measures over them."""

from __future__ import annotations

import json

import pytest

from governance.errors import PolicyBrokenError
from governance.policy.column_tags import ColumnTags, columns_read, inherited, only_column
from governance.policy.tagged_catalog import TaggedCatalog
from governance.policy.tags import Tags
from semantic import UsedName

PERSON = Tags("pseudonym")


def entity(name, kind, expr=None, **tags):
    return {"name": name, "type": kind, "expr": expr or f"{name}_id", "config": {"meta": tags}}


def model(name, entities, dimensions=(), measures=()):
    return {
        "name": name, "node_relation": {"alias": name}, "entities": list(entities),
        "dimensions": [{"type": "categorical", **d} for d in dimensions], "measures": list(measures),
    }  # fmt: skip


def simple(name, agg, expr):
    measure = {"name": f"{name}_measure", "agg": agg, "expr": expr}
    return measure, {"name": name, "type": "simple", "type_params": {"measure": {"name": measure["name"]}}}


def catalog(models, metrics=(), columns=None):
    return TaggedCatalog.from_manifest({"semantic_models": models, "metrics": list(metrics)}, columns)


def test_a_key_built_from_a_households_key_names_the_household():
    tags = catalog([
        model("days", [entity("shopper_day", "primary", "customer_id || '@' || day"),
                       entity("customer", "foreign")]),
        model("weeks", [entity("week_of", "foreign", "md5(customer_id)"), entity("customer", "foreign"),
                        entity("product", "foreign")]),
    ])  # fmt: skip
    assert {n for n, t in tags.dimensions.items() if t.names_a_person} == {
        "shopper_day",
        "customer",
        "week_of",
    }
    assert tags.is_personal(UsedName("dimension", "region", "places", ("shopper_day", "place")))
    assert not tags.is_personal(UsedName("dimension", "region", "places", ("place",)))


def test_tags_of_columns_reach_whatever_reads_them():
    declared = {
        ("cards", "holder"): Tags("identifier"),
        ("cards", "terms"): Tags(supplier_terms=True),
        ("cards", "age"): Tags("quasi_identifier", purpose="analytics"),
    }
    measures, metrics = zip(
        simple("holders", "count_distinct", "holder"), simple("oldest", "max", "AGE"),
        simple("by_terms", "sum", "case when terms > 1 then 1 end"), simple("rows", "count", "1"),
        strict=True,
    )  # fmt: skip
    tags = catalog(
        [
            model(
                "cards",
                [entity("card", "foreign", "upper(holder)"), entity("shop", "foreign")],
                [
                    {"name": "initial", "expr": "holder[1]"},
                    {"name": "is_old", "expr": "age > 60"},
                    {"name": "colour"},
                ],
                measures,
            )
        ],
        metrics,
        ColumnTags(declared),
    )
    assert tags.dimensions["card"].pii == "identifier"
    assert tags.dimensions["initial"].pii == "identifier"
    assert tags.dimensions["is_old"] == Tags("quasi_identifier", purpose="analytics")
    assert tags.dimensions["shop"] == tags.dimensions["colour"] == Tags()
    assert tags.metrics["holders"] == tags.metrics["rows"] == Tags()  # a count of people shows no person
    assert tags.metrics["oldest"] == Tags("quasi_identifier", purpose="analytics")
    assert tags.metrics["by_terms"] == Tags(supplier_terms=True)
    assert tags.personal.metrics == {"holders", "oldest"}  # and yet only groups of ten may show it


def test_keys_of_rows_about_one_household_are_not_listed():
    """By a chain of models, too; a definition that says how personal its key is is believed."""
    tags = catalog([
        model("receipts", [entity("receipt", "primary"), entity("customer", "foreign"),
                           entity("shop", "foreign")]),
        model("receipt_lines", [entity("line", "primary"), entity("receipt", "foreign"),
                                entity("product", "foreign")]),
        model("contracts", [entity("contract", "primary", pii="none"), entity("customer", "foreign")]),
        model("products", [entity("product", "primary")], [{"name": "colour"}]),
    ])  # fmt: skip
    assert {n for n, t in tags.dimensions.items() if t.names_a_person} == {"receipt", "line", "customer"}
    assert tags.personal.keys == {
        "customer"
    }  # a join along a receipt tells of the receipt's rows, not of a person
    assert not tags.is_personal(UsedName("dimension", "product__colour", "products", ("product",)))


def test_columns_of_a_release_by_its_own_manifest_and_lineage(tmp_path):
    """A copy that nobody tagged is found by lineage: only as a key, since a count of keys is no key."""
    nodes = {
        "m": {"alias": "stage", "columns": {"c": {"name": "Who", "config": {"meta": {"pii": "pseudonym"}}}}}
    }
    edges = [
        {"source": "column.stage.who", "target": "column.mart.buyer", "kind": "direct", "level": "column"},
        {"source": "column.mart.buyer", "target": "column.mart.visits", "kind": "direct", "level": "column"},
        {"source": "column.stage.who", "target": "column.mart.day", "kind": "indirect", "level": "column"},
    ]
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (tmp_path / "lineage.json").write_text(json.dumps({"edges": edges}))
    mart = model(
        "mart", [entity("buyer", "foreign", "buyer"), entity("day", "foreign", "day")], [{"name": "visits"}]
    )
    manifest = tmp_path / "semantic_manifest.json"
    manifest.write_text(json.dumps({"semantic_models": [mart], "metrics": []}))
    tags = TaggedCatalog.from_manifest(manifest)
    assert tags.dimensions == {"visits": Tags(), "buyer": PERSON, "day": Tags()}
    (tmp_path / "lineage.json").write_text("not JSON")
    with pytest.raises(PolicyBrokenError):
        TaggedCatalog.from_manifest(manifest)


def test_an_expression_that_cannot_be_read_has_the_strictest_tags():
    columns = {"a": Tags("quasi_identifier"), "b": Tags(margin_sensitive=True)}
    assert columns_read("a ||| (") is None
    assert inherited("a ||| (", columns) == Tags("quasi_identifier", margin_sensitive=True)
    assert inherited("A + 1", columns) == Tags("quasi_identifier")
    assert (only_column('"Who"'), only_column("who + 1"), only_column("1")) == ("who", None, None)
