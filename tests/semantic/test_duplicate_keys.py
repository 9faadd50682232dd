"""A join over a key that the data hold twice is refused; any other join repeats no row of a fact."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pytest

from semantic import MetricQuery, Restriction, RowRule, SemanticLayer, find_duplicate_keys
from semantic.definitions import Catalog, build_catalog
from semantic.definitions.duplicate_keys import DuplicateKey, duplicate_keys_beside, write_duplicate_keys
from semantic.errors import DuplicateKeyError, ManifestError
from tests.seeds import sample, seeded

from .retailer import database, manifest

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=n) for n in range(8)]
Place = tuple[str | None, dt.date | None, dt.date | None, dt.date | None]
"""place_id, valid_from, valid_until, day (of a snapshot)."""


@dataclass(frozen=True)
class Case:
    """A table of places, and whether its rows are valid for a time or are snapshots of a day."""

    rows: tuple[Place, ...]
    has_window: bool
    has_partition: bool

    @classmethod
    def drawn(cls, rng: random.Random) -> Case:
        window, partition = rng.choice([(True, False), (False, True), (False, False), (True, True)])

        def day() -> dt.date | None:
            return rng.choice([*DAYS, None]) if rng.random() < 0.3 else rng.choice(DAYS)

        keys = rng.choice([["a", "b", "c", "d", "e", None], ["a", "b"]])
        rows = [(rng.choice(keys), day(), day(), day()) for _ in range(rng.randrange(5))]
        return cls(tuple(rows), window, partition)

    def matches(self, place: str, at: dt.date, on: dt.date | None) -> int:
        """How many rows a fact of a place and instant meets; `on` is the fact's partition, if it has one."""
        return sum(
            key == place
            and (not self.has_window or (begin is not None and begin <= at and (end is None or at < end)))
            and (on is None or not self.has_partition or day == on)
            for key, begin, end, day in self.rows
        )

    def catalog(self) -> Catalog:
        validity = [("valid_from", "is_start"), ("valid_until", "is_end")] if self.has_window else []
        times = [
            {**_time(name), "type_params": {**GRAIN, "validity_params": {which: True}}}
            for name, which in validity
        ]
        times += [{**_time("day"), "is_partition": True}] if self.has_partition else []
        places = _model("places", "natural" if self.has_window else "primary", [*times, NAME], [])
        facts = {"name": "counted", "agg": "sum", "expr": "1"}
        plain = _model("visits", "foreign", [_time("seen_on")], [facts])
        parted = _model("parted", "foreign", [_time("seen_on"), {**_time("day"), "is_partition": True}], [
            {**facts, "name": "counted_by_day"}
        ])  # fmt: skip
        metrics = [
            {"name": name, "type": "simple", "type_params": {"measure": {"name": name}}}
            for name in ("counted", "counted_by_day")
        ]
        return build_catalog({"semantic_models": [places, plain, parted], "metrics": metrics})

    def tables(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute(
            "CREATE TABLE places (place_id TEXT, valid_from DATE, valid_until DATE, day DATE, name TEXT)"
        )
        if self.rows:
            connection.executemany("INSERT INTO places VALUES (?, ?, ?, ?, 'x')", list(self.rows))
        connection.execute("CREATE TABLE visits (place_id TEXT, seen_on DATE)")
        connection.execute("CREATE TABLE parted (place_id TEXT, seen_on DATE, day DATE)")
        facts = "SELECT p, DATE '2024-01-01' + d::INT FROM unnest(['a', 'b', 'c', NULL]) t(p), range(8) r(d)"
        connection.execute(f"INSERT INTO visits {facts}")
        connection.execute("INSERT INTO parted SELECT place_id, seen_on, seen_on FROM visits")
        return connection


GRAIN = {"time_granularity": "day"}
NAME = {"name": "name", "type": "categorical"}


def _time(name: str) -> dict[str, Any]:
    return {"name": name, "type": "time", "type_params": GRAIN}


def _model(name: str, kind: str, dimensions: list[Any], measures: list[Any]) -> dict[str, Any]:
    return {
        "name": name,
        "node_relation": {"alias": name, "schema_name": "main", "relation_name": f"main.{name}"},
        "entities": [{"name": "place", "type": kind, "expr": "place_id"}],
        "dimensions": dimensions, "measures": measures,
        "primary_entity": name if kind == "foreign" else None,
        "defaults": {"agg_time_dimension": "seen_on"} if measures else None,
    }  # fmt: skip


def test_what_is_answered_counts_each_fact_once_and_what_repeats_facts_is_refused() -> None:
    rng, refused, answered, repeats = seeded("duplicate keys"), 0, 0, 0
    for _ in range(sample(60, full=2000)):
        case = Case.drawn(rng)
        connection, catalog = case.tables(), case.catalog()
        duplicates = find_duplicate_keys(catalog, connection)
        by_key = {(duplicate.model, duplicate.entity): duplicate for duplicate in duplicates}
        layer = SemanticLayer(replace(catalog, duplicate_keys=by_key))
        declared = SemanticLayer(catalog)
        for metric in ("counted", "counted_by_day"):
            query = MetricQuery([metric], ["place__name"])
            is_parted = metric == "counted_by_day"
            most = max(case.matches(p, at, at if is_parted else None) for p in "abc" for at in DAYS)
            rows = connection.execute(declared.compile(query).sql).fetchall()
            assert (sum(row[1] for row in rows) > 4 * len(DAYS)) == (most > 1), case
            repeats += most > 1
            try:
                compiled = layer.compile(query)
            except DuplicateKeyError as error:
                (duplicate,) = duplicates
                assert f"{duplicate.keys} of its values of place (first {duplicate.first}, " in error.message
                refused += 1
                continue
            assert most <= 1, case
            assert sum(row[1] for row in connection.execute(compiled.sql).fetchall()) == 4 * len(DAYS), case
            answered += 1
    assert refused and answered and repeats and refused < 4 * repeats, "the cases are one-sided"


def test_keys_found_unique_but_for_a_window_are_no_duplicates() -> None:
    rows = (("a", DAYS[0], DAYS[2], None), ("a", DAYS[2], None, None), (None, DAYS[0], None, None))
    scd = Case((*rows, (None, DAYS[0], None, None), ("b", DAYS[3], DAYS[1], None)), True, False)
    assert find_duplicate_keys(scd.catalog(), scd.tables()) == ()
    plain = Case(scd.rows, False, False)
    assert find_duplicate_keys(plain.catalog(), plain.tables()) == (
        DuplicateKey("places", "place", 1, "a", 2),
    )
    open_twice = Case((*scd.rows, ("a", DAYS[5], None, None)), True, False)
    assert find_duplicate_keys(open_twice.catalog(), open_twice.tables())[0].first == "a"


@pytest.fixture
def twice() -> SemanticLayer:
    """The retailer, of whose suppliers some were found twice."""
    catalog = build_catalog(manifest())
    duplicate = DuplicateKey("dim_supplier", "supplier", 3, "s1", 2)
    return SemanticLayer(replace(catalog, duplicate_keys={("dim_supplier", "supplier"): duplicate}))


def test_only_a_join_over_the_key_is_refused(twice: SemanticLayer) -> None:
    assert twice.compile(MetricQuery(["net_sales"], ["product__department"])).sql
    assert twice.compile(MetricQuery(["net_sales"], ["product__supplier"])).sql  # the product's own column
    for query in (
        MetricQuery(["net_sales"], ["product__supplier__supplier_name"]),
        MetricQuery(["net_sales"], [], ["product__supplier__supplier_name = 'Alpha'"]),
        MetricQuery(["price", "sales_growth"], ["metric_time__month", "product__supplier__supplier_name"]),
    ):
        with pytest.raises(
            DuplicateKeyError, match=r"dim_supplier has .* 3 .* supplier \(first s1, 2 rows\)"
        ):
            twice.compile(query)
    values = twice.compile(
        MetricQuery([], ["product__supplier__supplier_name"])
    )  # a value is one however often
    assert len(database().execute(values.sql).fetchall()) > 1


def test_a_restricted_reader_is_told_the_count_and_no_value(twice: SemanticLayer) -> None:
    own = Restriction((RowRule("product", "department = 'GROCERY'"),))
    with pytest.raises(DuplicateKeyError, match="3 of its values") as refusal:
        twice.compile(MetricQuery(["net_sales"], ["product__supplier__supplier_name"]), restriction=own)
    assert "s1" not in str(refusal.value)


def test_the_record_is_read_beside_a_manifest_and_nothing_is_known_without_it(tmp_path) -> None:
    assert duplicate_keys_beside(tmp_path / "semantic_manifest.json") == {}
    duplicate = DuplicateKey("places", "place", 2, None, 0, ("day",))
    write_duplicate_keys(tmp_path, [duplicate])
    assert duplicate_keys_beside(tmp_path / "semantic_manifest.json") == {("places", "place"): duplicate}
    (tmp_path / "keys.json").write_text("{}")
    with pytest.raises(ManifestError, match="keys of the release cannot be read"):
        duplicate_keys_beside(tmp_path / "semantic_manifest.json")
