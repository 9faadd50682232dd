"""What runs, what runs on a fallback, what waits for which table, and what one more table would bring."""

from pathlib import Path

import yaml

from api.errors import StepFailedError
from api.pipeline.capabilities import Kpi, judge
from api.pipeline.results import RecommendResult, TrainResult
from api.pipeline.runner import StepReport
from api.services.capabilities import kinds_that_wait, read_capabilities, write_capabilities
from api.settings import Settings
from integrations.contracts import contracts, platform_contracts
from integrations.ingest.presence import ALTERNATIVE
from models_ml.recommend.kinds import KINDS
from tests.conftest import ROOT

KPIS = {
    "net_sales": Kpi("commercial"),
    "promo_units": Kpi("commercial", ("promotions",)),
    "stock": Kpi("inventory", ("inventory_snapshots",)),
    "turns": Kpi("inventory", ("inventory_snapshots", "products.cost")),
}


def recommended(*, rows=10, reason="", **scores):
    result = RecommendResult.model_construct(forecast_rows=rows, fallback_reason=reason, scores=scores)
    return {"recommend": StepReport("recommend", "Recommend", "done", result=result)}


def states(judged):
    return {one.name: one.state for one in judged.capabilities}


def test_with_everything_there_everything_runs():
    judged = judge("R", KPIS, (), recommended())
    assert set(states(judged).values()) - {"runs"} == {"waits"}  # monitoring was not among the steps
    assert judged.of("drift").reason == "has not run yet"
    assert (judged.metrics, judged.unlocks) == ({}, [])


def test_kpis_wait_by_owner_and_a_table_unlocks_what_waits_for_it_alone():
    missing = {"promotions", "inventory_snapshots", "products.cost"}
    judged = judge("R", KPIS, missing, recommended())
    assert judged.of("kpis_commercial").state == "runs"
    assert judged.of("kpis_commercial").reason == "1 of 2 KPIs wait for promotions"
    assert judged.of("kpis_inventory").waits_for == ["inventory_snapshots", "products.cost"]
    assert judged.metrics["turns"] == ["inventory_snapshots", "products.cost"]
    sentences = [unlock.sentence for unlock in judged.unlocks]
    stock = "inventory_snapshots: 1 KPI, transfer, reorder, investigate, expedite, cancel, defer, markdown"
    assert sentences == [stock, "promotions: 1 KPI"]


def test_forecasts_by_the_rule_are_a_fallback_and_so_is_what_rests_on_them():
    steps = recommended(reason="no version is approved")
    judged = judge("R", KPIS, (), steps)
    assert (judged.of("demand_forecasts").state, judged.of("demand_forecasts").reason) == (
        "fallback",
        "no version is approved",
    )
    assert judged.of("reorder").reason == "forecasts by the rule: no version is approved"
    assert judged.of("investigate").state == "runs"


def test_why_a_model_could_not_be_trained_comes_before_the_missing_champion():
    result = TrainResult(models=[], waits={"demand": "5 weeks are too few."})
    steps = recommended(rows=0, reason="none is approved") | {
        "train": StepReport("train", "Train", "done", result=result)
    }
    judged = judge("R", KPIS, {"demand_forecasts"}, steps)
    assert (judged.of("demand_forecasts").state, judged.of("demand_forecasts").reason) == (
        "waits",
        "5 weeks are too few.",
    )
    assert judged.of("reorder").waits_for == ["demand_forecasts"]
    assert judged.unlocks == []  # nobody can bring forecasts


def test_what_is_assumed_without_a_table_is_named():
    judged = judge("R", KPIS, {"suppliers or receipts"}, recommended())
    assert (
        judged.of("reorder").reason
        == "a lead time of seven days is assumed until suppliers or receipts comes"
    )
    assert states(judged)["transfer"] == "runs"


def test_a_step_that_failed_says_so():
    failed = StepReport("recommend", "Recommend", "failed", error=StepFailedError("no disk"))
    assert judge("R", KPIS, (), {"recommend": failed}).of("demand_forecasts").reason == "no disk"


def test_they_are_read_back_as_they_were_written(tmp_path):
    settings = Settings(var_dir=tmp_path)
    assert read_capabilities(settings) is None
    judged = judge("R", KPIS, {"promotions"}, recommended())
    write_capabilities(settings, judged)
    assert read_capabilities(settings) == judged
    assert kinds_that_wait(settings) == []
    write_capabilities(settings, judge("R", KPIS, {"inventory_snapshots"}, recommended()))
    assert {one.name for one in kinds_that_wait(settings)} == {kind.action for kind in KINDS}
    assert judged.as_dict()["unlocks"][0]["sentence"] == "promotions: 1 KPI"


def test_every_declared_need_is_a_table_or_column_of_a_contract():
    tables = {**contracts(), **platform_contracts()}
    needs = {need for kind in KINDS for need in (*kind.needs, *dict(kind.assumes))} | set(_declared())
    assert len(needs) > 10
    for part in (part for need in needs for part in need.split(ALTERNATIVE)):
        table, _, column = part.partition(".")
        assert table in tables, part
        assert not column or tables[table].column(column), part


def _declared():
    """Every need in the YAML of the marts."""
    for path in sorted((ROOT / "dbt_project" / "models" / "marts").rglob("*.yml")):
        document = yaml.safe_load(Path(path).read_text())
        for part in (*document.get("semantic_models", ()), *document.get("metrics", ())):
            yield from part.get("config", {}).get("meta", {}).get("steelyard", {}).get("needs", ())
