"""Batches: idempotent by content, newest wins by key, the old is kept, nothing half done."""

from __future__ import annotations

import datetime as dt
import shutil

import duckdb
import pytest

from integrations.demo import CompleteJourney
from integrations.errors import LandingBusyError, SourceConflictError, SourceError, SourceNotFoundError
from integrations.ingest import ingest, landed_batches, landing_is_complete, rejects
from integrations.ingest import load_batch as batch_module
from integrations.ingest.landing import only_writer
from integrations.sources.folder import FolderSource
from integrations.sources.named import source_named
from semantic.sql.quoting import literal
from tests.seeds import seeded


def test_same_folder_twice_changes_nothing(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers())
    assert shop.run().changed
    before = sorted(p for p in shop.landing.rglob("*.parquet"))
    again = shop.run()
    assert (again.changed, again.rows_loaded) == (False, 0)
    assert sorted(p for p in shop.landing.rglob("*.parquet")) == before


def test_same_content_under_another_name_is_known(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    shop.put("suppliers/again.csv", suppliers())
    report = shop.run().tables["suppliers"]
    assert (report.rows_in, report.batches_known) == (0, 2)
    assert len(shop.rows("suppliers")) == 5


def test_corrected_rows_win_by_sequence_and_the_old_stay(shop, suppliers):
    shop.put("suppliers/2026-01.csv", suppliers())
    shop.run()
    shop.put("suppliers/2026-02.csv", "\n".join([suppliers().splitlines()[0], "S2,Corrected,30,4,1,,2"]))
    shop.run()
    assert len(shop.rows("suppliers")) == 6
    files = literal(shop.landing / "suppliers" / "*" / "*.parquet")
    newest = duckdb.sql(
        f"SELECT supplier_id, supplier_name FROM read_parquet({files}) "
        "QUALIFY row_number() OVER (PARTITION BY supplier_id ORDER BY batch_sequence DESC) = 1 ORDER BY 1"
    ).fetchall()
    assert newest[1] == ("S2", "Corrected") and len(newest) == 5


def test_every_table_exists_even_without_data(shop, suppliers):
    shop.put("suppliers.csv", suppliers())
    shop.run()
    assert shop.rows("inventory_snapshots") == []
    assert {p.name for p in shop.landing.iterdir() if p.is_dir()} >= {"products", "sales_lines", "payments"}


def test_parquet_of_other_types_is_cast_and_its_bad_rows_numbered(shop):
    path = shop.put("products/p.parquet", b"")
    duckdb.sql(
        "SELECT i AS product_id, 'D' AS department, 'C' AS category, 'B' AS brand, "
        "CASE i WHEN 3 THEN 1.5 ELSE 6.0 END AS case_pack_units, i * 0.1 AS landed_cost "
        "FROM range(1, 5) r(i)"
    ).write_parquet(str(path))
    report = shop.run().tables["products"]
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (4, 3, 1)
    assert [r[0] for r in shop.rows("products", "product_id")] == ["1", "2", "4"]
    (reject,) = shop.rejects("products")
    assert (reject["line"], reject["column"], reject["rule"]) == ("3", "case_pack_units", "type INTEGER")
    assert '"product_id":"3"' in reject["raw_row"]


def test_unknown_keys_and_columns_are_reported_not_refused(shop, suppliers):
    shop.put("suppliers.csv", suppliers())
    header = "purchase_order_id,supplier_id,location_id,ordered_on,promised_on,currency,colour"
    shop.put("purchase_orders.csv", f"{header}\nP1,S77,L1,2026-01-01,2026-01-05,USD,red\n")
    report = shop.run().tables["purchase_orders"]
    assert report.rows_loaded == 1
    assert any("S77" in w for w in report.warnings) and any("colour" in w for w in report.warnings)


def test_a_run_killed_between_batches_converges(shop, suppliers, monkeypatch):
    shop.put("suppliers/a.csv", suppliers())
    shop.put("suppliers/b.csv", suppliers().replace("Supplier", "Second"))
    real, calls = batch_module._publish, []

    def dies(*arguments: object) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(*arguments)

    monkeypatch.setattr(batch_module, "_publish", dies)
    with pytest.raises(KeyboardInterrupt):
        shop.run()
    assert len(shop.rows("suppliers")) == 5
    monkeypatch.undo()
    report = shop.run()
    assert report.rows_loaded == 5 and len(shop.rows("suppliers")) == 10


def test_a_batch_landed_by_a_killed_run_is_not_left_behind(shop, suppliers):
    """Killed after the rename and before the state: nobody knows the folder, the next run removes it."""
    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    (folder,) = shop.landing.glob("suppliers/batch=*")
    shutil.copytree(folder, folder.with_name("batch=bdeadbeef"))
    shop.put("products/p.csv", "product_id,department,category,brand\n1,D,C,B\n")
    shop.run()
    assert len(shop.rows("suppliers")) == 5


def test_two_writers_do_not_meet(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers())
    shop.landing.mkdir()
    with only_writer(shop.landing), pytest.raises(LandingBusyError):
        shop.run()
    assert shop.run().rows_loaded == 5


def test_history_tells_batches_and_rejects(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers("S6,x,bad,4,1,,2"))
    shop.run()
    (landed,) = landed_batches(shop.landing)
    assert (landed.table, landed.rows_in, landed.rows_quarantined) == ("suppliers", 6, 1)
    (reject,) = rejects(shop.quarantine)
    assert (reject.table, reject.batch_id, reject.line) == ("suppliers", landed.batch_id, 7)
    assert list(rejects(shop.quarantine, "products")) == []


def test_a_lost_batch_folder_is_loaded_again(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    (folder,) = shop.landing.glob("suppliers/batch=*")
    shutil.rmtree(folder)
    assert shop.run().rows_loaded == 5


def test_unknown_folders_and_sources_are_named(shop, tmp_path):
    (shop.folder / "supplier").mkdir()
    with pytest.raises(SourceNotFoundError, match="Did you mean suppliers"):
        shop.run()
    with pytest.raises(SourceNotFoundError, match="complete-journey"):
        source_named(str(tmp_path / "nowhere"))


def test_the_demo_is_not_mixed_into_a_retailers_landing(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    with pytest.raises(SourceConflictError, match="the demo would be mixed"):
        ingest(CompleteJourney(), shop.landing, shop.quarantine)


def test_a_source_that_cannot_be_reached_leaves_the_landing_as_it_was(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    before = (shop.landing / "_landing.json").read_text()
    with pytest.raises(SourceError, match=r"nosuch://.*no driver 'nosuch'"):
        ingest(source_named("nosuch://host/db"), shop.landing, shop.quarantine)
    assert (shop.landing / "_landing.json").read_text() == before
    assert landing_is_complete(shop.landing)


def test_rows_of_ten_thousand_random_files_lines_always_reconcile(shop):
    """Random text: whatever comes in is loaded or quarantined, row by row."""
    rng = seeded()
    alphabet = ["1", "S1", "x", "", "1e400", "-5", '"q"', "30", "2.5", "nan", "é"]
    rows = [",".join(rng.choice(alphabet) for _ in range(rng.choice([7, 7, 7, 6, 8]))) for _ in range(2000)]
    rows = [r for r in rows if r]
    header = "supplier_id,supplier_name,payment_terms_days,lead_time_mean_days,lead_time_sd_days,minimum_order_units,review_period_days"  # noqa: E501
    shop.put("suppliers/a.csv", "\n".join([header, *rows]) + "\n")
    report = shop.run(tolerance=1.0).tables["suppliers"]
    assert report.rows_in == len(rows) == report.rows_loaded + report.rows_quarantined
    assert len(shop.rejects("suppliers")) == report.rows_quarantined
    lines = {int(r["line"]) for r in shop.rejects("suppliers")}
    assert len(lines) == report.rows_quarantined and max(lines) <= len(rows) + 1


def test_future_is_measured_from_the_given_day(shop):
    header = "purchase_order_id,supplier_id,location_id,ordered_on,promised_on,currency"
    shop.put("purchase_orders.csv", f"{header}\nP1,S1,L1,2020-01-03,2020-01-05,USD\n")
    assert shop.run(as_of=dt.date(2020, 1, 1), tolerance=1.0).rows_quarantined == 1
    assert FolderSource(shop.folder).fingerprint() == FolderSource(shop.folder).fingerprint()
