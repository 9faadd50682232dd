"""A release that takes over what has not changed equals one built from nothing, whatever changed."""

from __future__ import annotations

import json
import shutil

import pytest

from governance.releases import BuildState, ReleaseBuildFailedError, ReleaseStore, build_release
from governance.releases.layout import WAREHOUSE
from governance.releases.node_keys import node_keys
from governance.releases.reuse import best_plan, models
from governance.releases.run_dbt import DbtRun
from tests.governance.releases.small_project import PRODUCTS, SALES, contents, land, write_project

ALL = ["dim_product", "fct_by_product", "fct_sales", "stg_products", "stg_sales"]
MODELS = "models/models.yml"
BY_PRODUCT = "models/fct_by_product.sql"
SCHEMA_NAME = "macros/generate_schema_name.sql"
ONE_SALE = "(VALUES ('B', 70.0)) t(product, amount)"
MORE_PRODUCTS = "(VALUES ('C', 'DRINK')) t(product, department)"
SAME_TWICE = "(VALUES ('A', 'FOOD'), ('A', 'FOOD')) t(product, department)"


class Shop:
    """The small project with its landing; every build is of what they hold at that moment."""

    def __init__(self, root):
        self.root, self.store = root, ReleaseStore(root / "var")
        self.project, self.landing = write_project(root / "project"), root / "landing"
        land(self.landing, "sales", SALES)
        land(self.landing, "products", PRODUCTS)

    def build(self, *, full=False, store=None):
        return build_release(
            store or self.store,
            project_dir=self.project,
            landing=self.landing,
            write_lineage=lambda folder: (folder / "lineage.json").write_text("{}"),
            full=full,
        )

    def rewrite(self, name, before, after):
        path = self.project / name
        assert before in path.read_text()
        path.write_text(path.read_text().replace(before, after))

    def planned(self):
        """Models that a build would build now, and the tests it would run, without building them."""
        scratch = self.root / "scratch"
        scratch.mkdir()
        manifest = DbtRun(self.project, self.landing, scratch / WAREHOUSE, scratch / "target").compile()
        shutil.rmtree(scratch)
        plan = best_plan(self.store.list(), manifest, node_keys(manifest, self.landing, self.project))
        build = plan.build if plan else tuple(manifest["nodes"])
        return models(build), len(build) - len(models(build))

    def build_both_ways(self):
        """Hold a state-aware and a full build equal; returns what the state-aware one did."""
        release = self.build()
        whole = self.build(full=True, store=ReleaseStore(self.root / "full"))
        assert BuildState.read(whole).based_on is None
        assert contents(release.warehouse) == contents(whole.warehouse)
        assert results(release) == results(whole)
        return BuildState.read(release).summary()


def results(release):
    """What dbt reports of every node; a release's report is whole however it was built."""
    return {r["unique_id"]: r["status"] for r in json.loads(release.run_results.read_text())["results"]}


def tables(warehouse):
    """Rows of what a release holds itself; its views over the landing show what is landed now."""
    return {name: rows for name, rows in contents(warehouse).items() if name.startswith("BASE TABLE")}


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The shop, released once in full."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    shop.base = shop.build()
    return shop


@pytest.fixture
def shop(released, tmp_path):
    """The released shop, put back as it was afterwards: a test meets the base release and its own change."""
    folders = {name: released.root / name for name in ("project", "landing", "var")}
    for name, folder in folders.items():
        shutil.copytree(folder, tmp_path / name, symlinks=True)
    yield released
    for name, folder in folders.items():
        shutil.rmtree(folder, ignore_errors=True)
        (tmp_path / name).rename(folder)
    released.landing = folders["landing"]
    shutil.rmtree(released.root / "full", ignore_errors=True)


def test_a_changed_model_is_built_with_what_reads_it(shop):
    shop.rewrite("models/dim_product.sql", "department", "lower(department) as department")
    done = shop.build_both_ways()
    assert done["models_built"] == ["dim_product", "fct_sales"]
    assert done["models_taken_over"] == ["fct_by_product", "stg_products", "stg_sales"]
    assert (done["tests_run"], done["tests_taken_over"]) == (4, 1)


def test_a_landing_table_with_other_rows_is_read_again(shop):
    land(shop.landing, "sales", ONE_SALE)
    assert shop.build_both_ways()["models_built"] == ["fct_by_product", "fct_sales", "stg_sales"]


def test_another_batch_of_a_landing_table_is_read(shop):
    land(shop.landing, "products", MORE_PRODUCTS, batch="b2")
    assert shop.planned()[0] == ["dim_product", "fct_sales", "stg_products"]


def test_a_macro_below_a_macro_counts_as_code_of_the_models_that_call_it(shop):
    shop.rewrite("macros/taxed.sql", "(1 +", "(2 +")
    shop.rewrite(MODELS, "amount: 15", "amount: 25")
    assert shop.build_both_ways()["models_built"] == ["fct_sales"]


def test_a_variable_counts_as_code(shop):
    shop.rewrite("dbt_project.yml", "tax_rate: 0.2", "tax_rate: 0.3")
    assert shop.planned()[0] == ["fct_sales"]


def test_a_macro_in_place_of_dbts_own_builds_everything(shop):
    shop.rewrite(SCHEMA_NAME, "| trim", "| trim | lower")
    assert shop.planned()[0] == ALL


def test_a_contract_is_code_and_a_description_is_not(shop):
    shop.rewrite(MODELS, "{name: department, data_type: varchar}", "{name: department, data_type: text}")
    shop.rewrite(MODELS, "- name: dim_product\n", "- name: dim_product\n    description: All goods.\n")
    assert shop.planned()[0] == ["fct_sales"]


def test_a_removed_model_is_gone_and_a_renamed_one_is_built(shop):
    (shop.project / BY_PRODUCT).rename(shop.project / "models/fct_lines.sql")
    shop.rewrite(MODELS, "fct_by_product", "fct_lines")
    done = shop.build_both_ways()
    assert done["models_dropped"] == ["fct_by_product"]
    assert done["models_built"] == ["fct_lines"]


def test_a_new_test_runs_alone(shop):
    shop.rewrite(MODELS, "{name: department,", "{name: department, data_tests: [not_null],")
    assert shop.planned() == ([], 1)


def test_nothing_that_runs_has_changed_so_nothing_runs(shop):
    (shop.project / "models/new.md").write_text("Words.")
    done = shop.build_both_ways()
    assert (done["models_built"], done["tests_run"], done["models_taken_over"]) == ([], 0, ALL)


def test_a_model_that_reads_the_clock_is_always_built(shop):
    shop.rewrite(BY_PRODUCT, "count(*)", "current_date as seen_on, count(*)")
    shop.build()
    assert shop.planned()[0] == ["fct_by_product"]


def test_a_landing_that_moved_renews_the_views_that_remember_it(shop):
    """Equal rows elsewhere: tables are taken over, views read from where the landing is now."""
    shop.landing = shop.landing.rename(shop.root / "elsewhere")
    assert shop.build_both_ways()["models_built"] == ["stg_products", "stg_sales"]


def test_back_and_forth_takes_over_from_the_release_that_fits_best(shop):
    shop.rewrite(SCHEMA_NAME, "| trim", "| trim | lower")
    shop.build()
    shop.rewrite(SCHEMA_NAME, "| trim | lower", "| trim")
    state = BuildState.read(shop.build())
    assert (state.based_on, state.summary()["models_built"]) == (shop.base.release_id, [])


def test_a_failing_test_leaves_no_release_and_the_old_one_whole(shop):
    before = tables(shop.base.warehouse)
    land(shop.landing, "products", SAME_TWICE)
    with pytest.raises(ReleaseBuildFailedError, match="unique_dim_product"):
        shop.build()
    assert shop.store.ids() == [shop.base.release_id]
    assert tables(shop.base.warehouse) == before


def test_a_warning_that_was_taken_over_is_still_told(shop):
    shop.rewrite(MODELS, "[unique, not_null]", "[{unique: {config: {severity: warn}}}]")
    land(shop.landing, "products", SAME_TWICE)
    shop.build()
    shop.rewrite(BY_PRODUCT, "count(*)", "count(product)")
    assert shop.build_both_ways()["models_built"] == ["fct_by_product"]
    assert "warn" in results(shop.store.list()[-1]).values()


def test_a_release_from_before_states_were_kept_is_not_taken_over(shop):
    seal = json.loads((shop.base.path / "release.json").read_text())
    seal["sha256"].pop("build_state.json")
    (shop.base.path / "release.json").write_text(json.dumps(seal))
    (shop.base.path / "build_state.json").unlink()
    shop.rewrite(BY_PRODUCT, "count(*)", "count(product)")
    assert BuildState.read(shop.build()).based_on is None


def test_the_state_is_sealed(shop):
    (shop.base.path / "build_state.json").write_text("{}")
    assert shop.store.list() == []
