"""Erasure by the whole road: landing, release, audit, model artifacts; the books tie out to the cent."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from api.services.customer_rights import CustomerRights, ErasureReport
from api.services.metric_service import MetricService
from api.services.ops_store import open_ops_store
from api.settings import Settings
from governance.errors import ForbiddenError
from governance.identity import Directory
from governance.releases import ReleaseNotFoundError, ReleaseStore
from governance.store import OpsStore
from governance.store.audit import read, verify
from integrations.pseudonyms import PseudonymTable
from semantic import MetricQuery

NOW = dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC)
CUSTOMER = "C22"
PEOPLE = Directory.load()
STEWARD, ENGINEER = (PEOPLE.user(name) for name in ("data_steward", "analytics_engineer"))
MONEY = ("net_sales", "gross_sales", "gross_margin", "units_sold", "baskets", "returned_units")


@dataclass(frozen=True)
class Erased:
    """A state in which one customer was erased, what it answered before, and what was done."""

    settings: Settings
    store: OpsStore
    pseudonym: str
    before: dict[str, list[list[object]]]
    old_release: str
    asked: ErasureReport
    report: ErasureReport


def books(settings: Settings) -> dict[str, list[list[object]]]:
    """What was published, by month and region."""
    service = MetricService(ReleaseStore(settings.var_dir), settings)
    groups = ["metric_time__month", "location__region"]
    try:
        return {
            metric: service.answer(
                MetricQuery(metrics=[metric], group_by=groups, order_by=groups), None
            ).as_dict()["rows"]
            for metric in MONEY
        }
    finally:
        service.close()


def places_of(var_dir: Path, text: str) -> list[str]:
    """Every file below the state folder that holds a value: cells of tables, and bytes of all else."""
    places = []
    for path in sorted(var_dir.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        if path.suffix == ".parquet":
            cells = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            is_there = any(text in map(str, row) for row in cells)
        elif path.suffix == ".duckdb":
            is_there = _in_warehouse(path, text)
        else:
            is_there = text.encode() in path.read_bytes()
        if is_there:
            places.append(str(path.relative_to(var_dir)))
    return places


def _in_warehouse(path: Path, text: str) -> bool:
    with duckdb.connect(str(path), read_only=True) as con:
        tables = con.execute("SELECT table_schema, table_name FROM information_schema.tables").fetchall()
        return any(
            text in map(str, row)
            for schema, table in tables
            for row in con.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()
        )


@pytest.fixture(scope="module")
def erased(example, tmp_path_factory) -> Erased:
    """A copy of the example's state, in which two people erase one customer."""
    var_dir = tmp_path_factory.mktemp("rights") / "var"
    shutil.copytree(example.var_dir, var_dir, symlinks=True)
    settings = Settings(
        var_dir=var_dir, source=example.source, erasures_file=var_dir.parent / "elsewhere" / "erasures"
    )
    store = open_ops_store(settings)
    rights = CustomerRights(settings, store)
    pseudonym = PseudonymTable.open(settings.people).find(CUSTOMER)
    assert {path.split("/")[0] for path in places_of(var_dir, pseudonym)} == {"landing", "people", "releases"}
    before, old = books(settings), ReleaseStore(var_dir).current_id()
    asked = rights.erase(STEWARD, CUSTOMER, "request 7", now=NOW)
    assert rights.erase(STEWARD, CUSTOMER, "request 7", now=NOW).state == "waiting"
    report = rights.erase(ENGINEER, CUSTOMER, "request 7", now=NOW)
    yield Erased(settings, store, pseudonym, before, old, asked, report)
    store.close()


def test_nothing_leads_to_the_customer(erased):
    assert erased.report.landed["sales_lines"] > 50
    assert places_of(erased.settings.var_dir, erased.pseudonym) == []
    assert places_of(erased.settings.var_dir, CUSTOMER) == []


def test_what_was_published_ties_out_to_the_cent(erased):
    assert books(erased.settings) == erased.before
    assert all(erased.before[metric] for metric in ("net_sales", "baskets"))


def test_old_releases_are_gone_and_said(erased):
    assert erased.report.releases_removed == (erased.old_release,)
    assert ReleaseStore(erased.settings.var_dir).ids() == [erased.report.release_id]
    service = MetricService(ReleaseStore(erased.settings.var_dir), erased.settings)
    with pytest.raises(ReleaseNotFoundError):
        service.answer(MetricQuery(metrics=["net_sales"]), None, release_id=erased.old_release)
    service.close()


def test_the_new_release_was_built_of_nothing_older(erased):
    """A copy of the older file could hold old rows in its free pages."""
    current = ReleaseStore(erased.settings.var_dir).current()
    assert json.loads((current.path / "build_state.json").read_text())["based_on"] is None


def test_the_audit_keeps_the_act_and_not_the_person(erased):
    entries = read(erased.store).items
    assert [entry["action"] for entry in reversed(entries)] == [
        "customer.request_erasure", "customer.confirm_erasure", "customer.erase",
    ]  # fmt: skip
    assert {entry["actor"] for entry in entries} == {"data_steward", "analytics_engineer"}
    assert all(entry["reason"] == "request 7" and entry["at"].startswith("2026-03-03") for entry in entries)
    assert CUSTOMER not in str(entries) and erased.pseudonym not in str(entries)
    assert verify(erased.store).holds


def test_a_restored_backup_erases_again_before_it_serves(example, erased, tmp_path):
    """The state of before, as a backup holds it, beside the list that is kept elsewhere."""
    shutil.copytree(example.var_dir, tmp_path / "var", symlinks=True)
    (tmp_path / "var" / "current").unlink()
    settings = Settings(
        var_dir=tmp_path / "var", source=example.source, erasures_file=erased.settings.erasures_file
    )
    report = CustomerRights(settings, erased.store).replay(now=NOW)
    assert report.landed == erased.report.landed
    assert places_of(settings.landing, erased.pseudonym) == []


def test_who_may_not_ask_or_confirm(erased):
    rights = CustomerRights(erased.settings, erased.store)
    for name in ("auditor", "executive", "analytics_engineer", "planner_east"):
        with pytest.raises(ForbiddenError):
            rights.erase(PEOPLE.user(name), "C1", "request 8", now=NOW)
    with pytest.raises(ForbiddenError):
        rights.export(ENGINEER, "C1", "request 8", now=NOW)
