"""The directory against the data: wrong names are told, and an empty answer says which they are."""

from dataclasses import replace

import pytest
import yaml

from api.doctor.directory import check_directory
from api.doctor.finding import Level
from api.services.metric_service import MetricService
from api.services.reach import reach_mismatches, why_empty
from api.settings import Settings
from governance.identity import Directory
from governance.releases import ReleaseStore


@pytest.fixture(scope="module")
def metrics(var_dir):
    service = MetricService(ReleaseStore(var_dir), Settings(var_dir=var_dir))
    yield service
    service.close()


def planner(**reach):
    return replace(Directory.load().user("planner_east"), **{k: frozenset(v) for k, v in reach.items()})


def test_names_of_the_data_are_no_mismatch(metrics):
    assert reach_mismatches(metrics, planner()) == []
    assert why_empty(metrics, planner()) == ""


def test_an_empty_answer_names_what_the_directory_and_the_data_have(metrics):
    person = planner(regions=["EU", "UK"])
    assert why_empty(metrics, person) == (
        "Your directory entry names EU, UK (regions); this data has East, North, South, West."
    )
    departments = why_empty(metrics, planner(departments=["Cheese"]))
    assert departments.startswith("Your directory entry names Cheese (departments); this data has ")
    assert departments.endswith(" more.")


def test_one_right_name_is_reason_enough_for_another(metrics):
    person = planner(regions=["East", "Est"])
    (mismatch,) = reach_mismatches(metrics, person)
    assert (mismatch.unknown, mismatch.is_total) == (("Est",), False)
    assert why_empty(metrics, person) == ""


def test_the_operator_and_who_reaches_everything_have_none(metrics):
    assert why_empty(metrics, None) == ""
    assert reach_mismatches(metrics, planner(regions=["*"], departments=["*"])) == []


def test_the_doctor_names_people_whose_places_are_not_in_the_data(var_dir, tmp_path):
    path = tmp_path / "people.yaml"
    entry = {"role": "planner", "regions": ["EU"], "departments": ["*"], "stores": ["*"], "banners": ["*"]}
    path.write_text(yaml.safe_dump({"users": {"ann": entry, "bob": entry | {"regions": ["East"]}}}))
    (finding,) = check_directory(Settings(var_dir=var_dir, directory=path))
    assert finding.level is Level.WARNING
    assert finding.message == "ann names EU (regions); this data has East, North, South, West."


def test_the_demos_people_fit_the_demos_data(var_dir):
    (finding,) = check_directory(Settings(var_dir=var_dir))
    assert finding.level is Level.OK


def test_without_a_release_the_doctor_says_nothing_of_people(tmp_path):
    assert list(check_directory(Settings(var_dir=tmp_path / "var"))) == []
    assert not (tmp_path / "var").exists()
