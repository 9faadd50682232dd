"""`retailer.yaml`: neutral defaults, refusals that name the setting, and where the file is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from integrations.errors import RetailerInvalidError
from integrations.retailer import NEUTRAL, dbt_variables, read_retailer, retailer_of

ROOT = Path(__file__).parents[3]


def read(tmp_path, text):
    path = tmp_path / "retailer.yaml"
    path.write_text(text)
    return read_retailer(path)


def test_nothing_said_is_neutral(tmp_path):
    said_nothing = read(tmp_path, "")
    assert dbt_variables(said_nothing) == dbt_variables(NEUTRAL)
    assert (NEUTRAL.currency, NEUTRAL.time_zone, NEUTRAL.holidays) == ("XXX", "UTC", "none")
    assert "every setting is at its neutral default" in said_nothing.described()


def test_what_is_set_is_named_for_the_summary(tmp_path):
    shop = read(tmp_path, "name: Corner shop\ncurrency: JPY\ndemand: {greatest_quantity: 12}\n")
    assert shop.described() == "Corner shop (retailer.yaml): sets currency, demand, name"


@pytest.mark.parametrize(
    ("text", "setting", "hint"),
    [
        ("curency: EUR", "curency", "currency"),
        ("demand: {greatest_quanity: 5}", "demand.greatest_quanity", "greatest_quantity"),
        ("currency: euro", "currency", ""),
        ("time_zone: Europe/Berln", "time_zone", ""),
        ("location_time_zones: {L1: Moon}", "location_time_zones.L1", ""),
        ("tolerated_bad_rows: 3", "tolerated_bad_rows", ""),
        ("costs: {share_kept_without_cost: much}", "costs.share_kept_without_cost", ""),
        ("demand: {least_trading_days: 8}", "demand.least_trading_days", ""),
        ("holidays: Mars", "holidays", ""),
    ],
)
def test_a_setting_that_does_not_fit_is_named(tmp_path, text, setting, hint):
    with pytest.raises(RetailerInvalidError) as refusal:
        read(tmp_path, text)
    assert setting in refusal.value.message and "retailer.yaml" in refusal.value.message
    assert hint in (refusal.value.hint or "")


@pytest.mark.parametrize("text", ["- a list", "name: [", "just words"])
def test_what_is_not_a_file_of_settings_is_refused_in_words(tmp_path, text):
    with pytest.raises(RetailerInvalidError, match=r"retailer\.yaml"):
        read(tmp_path, text)


def test_the_file_is_the_one_named_else_the_one_beside_the_data_else_none(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    assert retailer_of(None, str(folder)) is NEUTRAL
    (folder / "retailer.yaml").write_text("name: Beside")
    (tmp_path / "other.yaml").write_text("name: Named")
    assert retailer_of(None, str(folder)).name == "Beside"
    assert retailer_of(tmp_path / "other.yaml", str(folder)).name == "Named"
    assert retailer_of(None, "postgresql://shop/db") is NEUTRAL
    assert retailer_of(None, "complete-journey").time_zone == "America/New_York"
    with pytest.raises(RetailerInvalidError):
        retailer_of(tmp_path / "gone.yaml", str(folder))


def test_every_variable_has_its_neutral_value_in_the_project():
    """dbt alone, without `retailer.yaml`, builds what a retailer who said nothing gets."""
    project = yaml.safe_load((ROOT / "dbt_project" / "dbt_project.yml").read_text())
    assert project["vars"] == dbt_variables(NEUTRAL)
