"""A release whose rollup is not its fact summed up is not built: stale, partial or wrongly declared."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from api.problems import status_of
from governance.governed_query import GovernedQueries, OpenReleases, QueryLimits
from governance.releases import ReleaseBuildFailedError, ReleaseCorruptError, ReleaseStore
from governance.releases.checks import check_definitions_against_data
from governance.releases.layout import WAREHOUSE, seal
from semantic import MetricQuery
from semantic.errors import DuplicateKeyError
from tests.governance.releases.test_state_aware import MODELS, Shop
from tests.security import small_release
from tests.semantic.retailer import TABLES
from tests.semantic.rollup_retailer import DECLARED, fill, rich_manifest


def _folder(path: Path) -> Path:
    """What a build has written before it seals: two manifests and the warehouse."""
    nodes = {
        name: {
            "resource_type": "model", "name": name, "relation_name": f"main.{name}",
            "config": {"materialized": "table", "meta": {"steelyard": {"rollup": declared}}},
        }
        for name, declared in DECLARED.items()
    }  # fmt: skip
    (path / "manifest.json").write_text(json.dumps({"nodes": nodes}))
    (path / "semantic_manifest.json").write_text(json.dumps(rich_manifest()))
    with duckdb.connect(str(path / WAREHOUSE)) as connection:
        connection.execute(TABLES)
        fill(connection)
    return path


def test_a_stale_rollup_fails_the_build(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    check_definitions_against_data(folder)
    with duckdb.connect(str(folder / WAREHOUSE)) as connection:
        connection.execute("INSERT INTO fct_sales SELECT '9', '2024-03-31', 'p1', 'l1', 'c1', 'store', 1, 1")
    with pytest.raises(ReleaseBuildFailedError, match="sales_by_day differs from fct_sales in 1 groups"):
        check_definitions_against_data(folder)


def test_a_rollup_of_nothing_fails_the_build(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    declared = "{of: sales, keeps: {product: product}, measures: {lines: count}}"
    name = "  - name: fct_by_product\n"
    shop.rewrite(MODELS, name, f"{name}    config: {{meta: {{steelyard: {{rollup: {declared}}}}}}}\n")
    with pytest.raises(ReleaseBuildFailedError, match="sales, which is no semantic model"):
        shop.build()
    assert shop.store.list() == []


def _with_a_claim_twice(path: Path, *, pii: str) -> Path:
    """A release of deliveries and claims, one of which has two rows; its key may be somebody's."""
    definitions = small_release.manifest()
    (claims,) = (m for m in definitions["semantic_models"] if m["name"] == "claims")
    claims["entities"][0]["config"] = {"meta": {"pii": pii}}
    again = "INSERT INTO claims VALUES ('c1', 'p2', 'written down twice')"
    small_release.write_release(
        path, "20170108T000000-00000000", definitions, f"{small_release.TABLES}; {again}"
    )
    folder = path / "releases" / "20170108T000000-00000000"
    check_definitions_against_data(folder)
    seal(folder, folder.name, "2017-01-08T00:00:00+00:00", folder.name)
    return folder


@pytest.mark.parametrize(
    ("pii", "message"), [("none", r"claims .* 1 .* claim \(first c1, 2 rows\)"), ("identifier", "1")]
)
def test_a_release_records_a_key_that_is_not_unique_and_refuses_joins_over_it(
    tmp_path: Path, pii: str, message: str
) -> None:
    folder = _with_a_claim_twice(tmp_path, pii=pii)
    queries = GovernedQueries(OpenReleases(ReleaseStore(tmp_path), QueryLimits()))
    assert queries.answer(MetricQuery(["units_delivered"], ["product__department"]), None).table.num_rows == 3
    with pytest.raises(DuplicateKeyError, match=message) as refusal:
        queries.answer(MetricQuery(["units_delivered"], ["claim__reason"]), None)
    assert status_of(refusal.value) == 400
    assert ("c1" in str(refusal.value)) == ("c1" in (folder / "keys.json").read_text()) == (pii == "none")
    queries.close()
    (folder / "keys.json").write_text('{"duplicates": []}')
    with pytest.raises(ReleaseCorruptError, match=r"keys\.json"):
        ReleaseStore(tmp_path).current()
