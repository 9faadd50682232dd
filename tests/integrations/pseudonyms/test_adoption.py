"""Keys become pseudonyms however they come, and in a landing of a version that kept them as they were."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import duckdb
import pytest

from integrations.errors import PseudonymsMissingError
from integrations.ingest import check_landing, ingest
from integrations.pseudonyms import PseudonymTable
from integrations.sources.named import source_named
from semantic.sql.quoting import literal

ROWS = [("7", "19-24"), ("8", "65+"), ("8000000001", "65+")]


def write(select: str, path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"COPY ({select}) TO {literal(path)} (FORMAT parquet)")


def test_one_customer_has_one_pseudonym_in_text_parquet_and_database(shop, tmp_path):
    shop.put("customers/a.csv", "customer_id,age_band\n" + "".join(f"{k},{a}\n" for k, a in ROWS))
    path = shop.put("customers/b.parquet", b"")
    values = ", ".join(map(str, ROWS))
    write(f"SELECT k::BIGINT AS customer_id, a AS age_band FROM (VALUES {values}) r(k, a)", path)
    shop.run()
    with sqlite3.connect(tmp_path / "shop.db") as file:
        file.execute("CREATE TABLE customers (customer_id INTEGER, age_band TEXT)")
        file.executemany("INSERT INTO customers VALUES (?, ?)", ROWS)
    ingest(
        source_named(f"sqlite:///{tmp_path}/shop.db"), tmp_path / "other" / "landing", tmp_path / "q",
        pseudonyms_folder=shop.root / "people",
    )  # fmt: skip
    expected = sorted(PseudonymTable.open(shop.root / "people").assign(k for k, _ in ROWS).values())
    names = sorted(name for (name,) in shop.rows("customers", "DISTINCT customer_id"))
    assert names == expected and len(shop.rows("customers")) == 6
    other = duckdb.sql(
        f"SELECT customer_id FROM read_parquet({literal(tmp_path / 'other/landing/customers/*/*.parquet')})"
    )
    assert sorted(name for (name,) in other.fetchall()) == expected


def test_order_and_repeated_keys_are_as_without(shop):
    """The last row of a key wins, the others are quarantined: by the customer, not by the draw."""
    shop.put("customers/a.csv", "customer_id,age_band\n1,19-24\n2,65+\n1,65+\n,65+\n")
    report = shop.run().tables["customers"]
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (4, 2, 2)
    assert {r["rule"].partition(":")[0] for r in shop.rejects("customers")} == {"duplicate key", "required"}


def test_a_landing_that_kept_the_keys_is_given_pseudonyms_once(shop):
    shop.put("customers/a.csv", "customer_id,age_band\n1,19-24\n2,65+\n")
    shop.run()
    table = PseudonymTable.open(shop.root / "people")
    names = table.assign(["1", "2"])
    (part,) = shop.landing.glob("customers/*/part-0.parquet")
    when = " ".join(f"WHEN '{pseudonym}' THEN '{key}'" for key, pseudonym in names.items())
    keys = f"SELECT * REPLACE (CASE customer_id {when} END AS customer_id) FROM read_parquet({literal(part)})"
    write(keys, part.with_suffix(".raw"))
    part.with_suffix(".raw").replace(part)
    (part.parent / "_sha256.json").unlink()
    state = json.loads((shop.landing / "_landing.json").read_text())
    del state["has_pseudonyms"]
    (shop.landing / "_landing.json").write_text(json.dumps(state))
    shutil.rmtree(shop.root / "people")
    assert sorted(shop.rows("customers", "customer_id")) == [("1",), ("2",)]
    shop.run()
    expected = PseudonymTable.open(shop.root / "people").assign(["1", "2"])
    assert sorted(shop.rows("customers", "customer_id")) == sorted((name,) for name in expected.values())
    assert not check_landing(shop.landing).problems and not shop.run().changed


def test_without_the_table_nothing_is_landed(shop):
    shop.put("customers/a.csv", "customer_id,age_band\n1,19-24\n")
    shop.run()
    shop.put("customers/b.csv", "customer_id,age_band\n2,19-24\n")
    (shop.root / "people" / "key").unlink()
    with pytest.raises(PseudonymsMissingError, match="key"):
        shop.run()
    shutil.rmtree(shop.root / "people")
    with pytest.raises(PseudonymsMissingError, match="count twice"):
        shop.run()
    assert len(shop.rows("customers")) == 1


@pytest.mark.parametrize("left", [{"pseudonyms.db": b""}, {"pseudonyms.db": b"", ".key.next": b"cut"}])
def test_a_table_that_a_kill_left_half_made_is_made(shop, left):
    (shop.root / "people").mkdir()
    for name, content in left.items():
        (shop.root / "people" / name).write_bytes(content)
    shop.put("customers/a.csv", "customer_id,age_band\n1,19-24\n")
    shop.run()
    assert len((shop.root / "people" / "key").read_bytes()) == 32
    assert sorted(p.name for p in (shop.root / "people").iterdir()) == ["key", "pseudonyms.db"]
    (shop.root / "people" / "pseudonyms.db").write_bytes(b"")  # of customers who are landed: not made again
    shop.put("customers/b.csv", "customer_id,age_band\n2,19-24\n")
    with pytest.raises(PseudonymsMissingError, match="count twice"):
        shop.run()
