# ruff: noqa: E501 - tables of cases read better in one line
"""Declaring rollups: what dbt's manifest may say, what is refused, and the SQL before and after the rule."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from semantic import MetricQuery, SemanticLayer
from semantic.definitions.manifest import build_catalog
from semantic.definitions.rollups import load_rollups, read_rollup
from semantic.errors import RollupError

from .retailer import manifest
from .rollup_retailer import DECLARED, layers

FIXTURES = Path(__file__).parent / "fixtures" / "read_rollup.sql"
GOOD = {"of": "fct_sales", "keeps": {"metric_time__day": "date_day"}, "measures": {"amount": "sum"}}


def _pairs() -> list[tuple[str, MetricQuery, str, str]]:
    """Blocks of `-- title`, `-- query`, the SQL without rollups, and after `-- becomes` the SQL with them."""
    cases = []
    for block in FIXTURES.read_text().split("\n-- # ")[1:]:
        title, asked, rest = block.split("\n", 2)
        before, after = rest.split("\n-- becomes\n")
        cases.append((title, MetricQuery(**json.loads(asked[3:])), before.strip(" \n;"), after.strip(" \n;")))
    return cases


@pytest.mark.parametrize(("title", "asked", "before", "after"), _pairs(), ids=[p[0] for p in _pairs()])
def test_sql_before_and_after(title: str, asked: MetricQuery, before: str, after: str) -> None:
    plain, rolled = layers()
    assert plain.compile(asked).sql == before
    assert rolled.compile(asked).sql == after


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"of": "fct_sale"}, "fct_sale, which is no semantic model. Did you mean fct_sales"),
        ({"keeps": {"product__departmen": "d"}}, "product__departmen does not exist"),
        ({"keeps": {"metric_time": "d"}}, "metric_time without a grain"),
        ({"keeps": {"metric_time__hour": "d"}}, "known by day"),
        ({"keeps": {}}, "must map"),
        ({"keeps": "date_day"}, "must map"),
        ({"measures": {"buyers": "count_distinct"}}, "keep the column itself"),
        ({"measures": {"amount": "average"}}, "a sum and a count"),
        ({"measures": {"amount": "median"}}, "cannot be aggregated again"),
        ({"measures": {"amount": {"expr": "amount"}}}, "says no aggregation"),
        ({"measure": {"amount": "sum"}}, "Did you mean measures"),
        ({"of": None}, "must say"),
    ],
)
def test_a_wrong_declaration_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(RollupError, match=message):
        SemanticLayer(build_catalog(manifest(), (read_rollup("r", "main.r", {**GOOD, **change}),)))


def _dbt_manifest(folder: Path, **changes: Any) -> Path:
    node = {
        "resource_type": "model", "name": "sales_by_day", "relation_name": "main.sales_by_day",
        "config": {"materialized": "table", "meta": {"steelyard": {"rollup": DECLARED["sales_by_day"]}}},
        "columns": {c: {} for c in ("date_day", "location_id", "department", "channel", "amount", "units", "lines",
                                    "largest")},
        **changes,
    }  # fmt: skip
    (folder / "manifest.json").write_text(
        json.dumps({"nodes": {"model.x": node, "test.y": {"resource_type": "test"}}})
    )
    return folder / "manifest.json"


def test_dbt_s_manifest_beside_the_semantic_one_declares_them(tmp_path: Path) -> None:
    _dbt_manifest(tmp_path)
    (tmp_path / "semantic_manifest.json").write_text(json.dumps(manifest()))
    layer = SemanticLayer.from_manifest(tmp_path / "semantic_manifest.json")
    compiled = layer.compile(MetricQuery(["net_sales"], ["location__region"]), explain=True)
    assert compiled.rollups == ("sales_by_day",)
    assert "from rollup sales_by_day" in compiled.explain
    assert compiled.lineage.relations[0] == "main.sales_by_day"


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"config": {"materialized": "view", "meta": {"steelyard": {"rollup": GOOD}}}}, "is no table"),
     ({"columns": {"date_day": {}}, "config": {"contract": {"enforced": True}, "materialized": "table", "meta": {"steelyard": {"rollup": GOOD}}}}, "has no column")],
)  # fmt: skip
def test_a_model_that_cannot_be_read_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(RollupError, match=message):
        load_rollups(_dbt_manifest(tmp_path, **changes))


def test_without_a_dbt_manifest_there_are_none(tmp_path: Path) -> None:
    assert load_rollups(tmp_path / "manifest.json") == ()


def test_the_released_rollups_answer_the_daily_questions(release_dir: Path) -> None:
    layer = SemanticLayer.from_manifest(release_dir / "semantic_manifest.json")
    for metrics, by, rollup in (
        (["net_sales", "gross_margin_rate"], ["metric_time__week", "location__region"], "rollup_sales_location_department"),
        (["net_sales", "markdown_rate"], ["product__category"], "rollup_sales_category"),
        (["stockout_rate", "fill_rate"], ["product__department"], "rollup_inventory_location_department"),
    ):  # fmt: skip
        assert layer.compile(MetricQuery(metrics, by)).rollups == (rollup,)
