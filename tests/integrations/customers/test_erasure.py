"""Erasure from what was landed: nothing names the customer, the books tie out, no export brings them back."""

from __future__ import annotations

import sqlite3
import stat

import pytest

from integrations.customers import apply_erasures, customer_records, erasures_in, note_erasure
from integrations.ingest import check_landing
from integrations.ingest import rewrite as rewrite_module
from integrations.ingest.quarantine import ERASED_ROW
from integrations.pseudonyms import ERASED, PseudonymTable, Treatment, person_tables, treatment
from tests.integrations.customers.conftest import NOW, SALES, rows_of, sale

EVERYWHERE = {"campaigns", "consents", "coupon_redemptions", "customers", "returns", "sales_lines"}


def erase(shop, table, con, raw="K-Anna", copy=None):
    note_erasure(table, [table.digest(raw)], now=NOW, copy=copy)
    erased = apply_erasures(con, table, shop.landing, shop.quarantine)
    table.finish_erasures(erasure.digest for erasure in table.pending())
    return erased


def test_every_table_that_names_customers_is_covered(people, table):
    assert set(person_tables()) == EVERYWHERE
    assert set(rows_of(people, table.find("K-Anna"))) == EVERYWHERE
    assert [name for name in sorted(EVERYWHERE) if treatment(name) is Treatment.ANONYMISE] == [
        "returns",
        "sales_lines",
    ]
    assert not any(person_tables()[name].required for name in ("returns", "sales_lines"))


def test_what_is_landed_never_holds_the_key(people):
    assert rows_of(people, "K-Anna") == {} and rows_of(people, "K-Bela") == {}


def test_nothing_names_the_customer_and_the_books_tie_out(people, table, con):
    pseudonym, other = table.find("K-Anna"), table.find("K-Bela")
    before, others = people.rows("sales_lines", "sum(sales_value), count(*)"), rows_of(people, other)
    refunds = people.rows("returns", "sum(refund)")
    erased = erase(people, table, con)
    assert erased.landed == {
        "campaigns": 1,
        "consents": 1,
        "coupon_redemptions": 1,
        "customers": 1,
        "returns": 1,
        "sales_lines": 2,
    }
    assert rows_of(people, pseudonym) == {} and rows_of(people, other) == others
    assert people.rows("sales_lines", "sum(sales_value), count(*)") == before
    assert people.rows("returns", "sum(refund)") == refunds
    assert people.rows("sales_lines", "customer_id") == [(other,), (None,), (None,)]
    assert people.rows("returns", "customer_id") == [(None,)]
    assert not check_landing(people.landing).problems


def test_neither_table_nor_quarantine_leads_to_the_customer(people, table, con):
    pseudonym = table.find("K-Anna")
    assert erase(people, table, con).quarantined == 1
    assert table.find("K-Anna") is None and [e.pseudonym for e in table.erasures()] == [None]
    files = [path for path in people.root.rglob("*") if path.is_file() and people.folder not in path.parents]
    content = b"".join(path.read_bytes() for path in files)
    assert pseudonym.encode() not in content and b"K-Anna" not in content
    (reject,) = people.rejects("sales_lines")
    assert reject["raw_row"] == ERASED_ROW and reject["rule"].startswith("type ")


def test_no_export_brings_the_customer_back(people, table, con):
    erase(people, table, con)
    rows = [SALES, sale(2, "K-Anna"), sale(5, "K-Anna"), "S6,broken,K-Anna"]
    people.put("sales_lines/b.csv", "\n".join(rows) + "\n")
    people.put("customers/again.csv", "customer_id,age_band\nK-Anna,35-44\nK-Cleo,19-24\n")
    (people.folder / "consents" / "c.csv").touch()
    report = people.run()
    assert report.tables["customers"].rows_loaded == 1
    assert report.tables["customers"].warnings == ["1 rows of erased customers were left out"]
    assert table.find("K-Anna") is None and table.find("K-Cleo")
    assert people.rows("sales_lines", "count(*) FILTER (customer_id IS NULL)") == [(4,)]
    assert all("K-Anna" not in row["raw_row"] for row in people.rejects("sales_lines"))


def test_a_key_that_spells_the_common_pseudonym_is_a_customer_like_others(people, table):
    people.put("customers/odd.csv", "customer_id,age_band\nerased,35-44\n")
    people.run()
    assert table.find("erased") not in (None, ERASED)


def test_a_kill_at_any_moment_is_finished_by_the_next_run(people, table, con, monkeypatch):
    pseudonym = table.find("K-Anna")
    real, calls = rewrite_module._finish, []

    def dies(folder):
        calls.append(folder)
        if len(calls) == killed_at:
            raise KeyboardInterrupt
        real(folder)

    monkeypatch.setattr(rewrite_module, "_finish", dies)
    killed_at, is_done = 0, False
    while not is_done:
        killed_at += 1
        calls.clear()
        try:
            erase(people, table, con)
            is_done = True
        except KeyboardInterrupt:
            assert table.pending()
    assert killed_at > 3 and rows_of(people, pseudonym) == {}
    assert not check_landing(people.landing).problems and not table.pending()


def test_a_restored_state_erases_again_from_the_list_kept_elsewhere(people, table, con, tmp_path):
    """As after a restore: landing and table are yesterday's, the list is not."""
    copy = tmp_path / "elsewhere" / "erasures"
    pseudonym = table.find("K-Anna")
    note_erasure(table, [table.digest("K-Anna")], now=NOW, copy=copy)
    with sqlite3.connect(table.folder / "pseudonyms.db") as yesterday:
        yesterday.execute("DELETE FROM erasures")
    assert rows_of(people, pseudonym) and b"Anna" not in copy.read_bytes()
    note_erasure(table, erasures_in(copy), now=NOW, copy=copy)
    apply_erasures(con, table, people.landing, people.quarantine)
    assert rows_of(people, pseudonym) == {}


def test_what_is_held_of_a_customer(people, table, con):
    result = customer_records(
        con,
        raw="K-Anna",
        pseudonym=table.find("K-Anna"),
        landing=people.landing,
        quarantine=people.quarantine,
        warehouse=None,
    )
    assert set(result["landed"]) == EVERYWHERE
    assert [row["sales_line_id"] for row in result["landed"]["sales_lines"]] == ["S1", "S2"]
    assert len(result["quarantined"]) == 1 and "dear" in result["quarantined"][0]["raw_row"]
    assert table.find("K-Anna") not in str(result) and "K-Bela" not in str(result)


def test_the_table_is_for_its_owner_only(table):
    for path in table.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(table.folder.stat().st_mode) == 0o700
    assert str(table.key) not in repr(table)


@pytest.mark.parametrize("raw", ["", " ", "0", "K-Anna ", "k-anna", "ÅSA", "x" * 10_000, "a\udc80"])
def test_digests_are_of_the_exact_key(table, raw):
    assert len(table.digest(raw)) == 32 and table.digest(raw) != table.digest("K-Anna")


def test_another_installation_has_other_digests_and_pseudonyms(table, tmp_path):
    other = PseudonymTable.open(tmp_path / "other")
    assert other.digest("K-Anna") != table.digest("K-Anna")
    assert other.assign(["K-Anna"]) != table.assign(["K-Anna"])
    published = [PseudonymTable.open(tmp_path / name).assign(["7"], published=True) for name in "ab"]
    assert published[0] == published[1]
