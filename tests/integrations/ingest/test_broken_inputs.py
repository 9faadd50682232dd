"""The corpus of broken files: never a crash, never a lost row, always file, line and rule."""

from __future__ import annotations

import gzip

import pytest

from integrations.errors import (
    HeaderError,
    IntegrationError,
    SourceError,
    TooManyBadRowsError,
    UnreadableFileError,
)

GOOD = "S9,Nine,30,4.0,1.0,,2"
# name, bad line (bytes), column, rule of the one row that must be quarantined (line 7)
BAD_ROWS = [
    ("too many fields", b"S9,Nine,30,4.0,1.0,,2,extra", "", "number of fields"),
    ("too few fields", b"S9,Nine,30", "", "number of fields"),
    ("wrong type", b"S9,Nine,thirty,4.0,1.0,,2", "payment_terms_days", "type INTEGER"),
    ("fraction of a day", b"S9,Nine,30.5,4.0,1.0,,2", "payment_terms_days", "type INTEGER"),
    ("beyond a double", b"S9,Nine,30,1e400,1.0,,2", "lead_time_mean_days", "finite number"),
    ("not a number", b"S9,Nine,30,nan,1.0,,2", "lead_time_mean_days", "finite number"),
    ("beyond an integer", b"S9,Nine,99999999999999999999999,4,1.0,,2", "payment_terms_days", "type INTEGER"),
    ("above the maximum", b"S9,Nine,400,4.0,1.0,,2", "payment_terms_days", "maximum 365"),
    ("below the minimum", b"S9,Nine,-1,4.0,1.0,,2", "payment_terms_days", "minimum 0"),
    ("empty key", b",Nine,30,4.0,1.0,,2", "supplier_id", "required"),
    ("NUL byte", b"S9,Ni\x00ne,30,4.0,1.0,,2", "", "NUL byte"),
    ("Latin-1", "S9,Café,30,4.0,1.0,,2".encode("latin-1"), "", "not UTF-8"),
    ("text after a quote", b'S9,"Ni"ne,30,4.0,1.0,,2', "", "broken quoting"),
]


@pytest.mark.parametrize("case", [c[1:] for c in BAD_ROWS], ids=[c[0] for c in BAD_ROWS])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_bad_row_is_quarantined_by_line(shop, suppliers, case, end):
    line, column, rule = case
    content = suppliers().encode() + line + b"\n" + GOOD.replace("S9", "S10").encode() + b"\n"
    shop.put("suppliers/a.csv", content.replace(b"\n", end))
    report = shop.run().tables["suppliers"]
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (7, 6, 1)
    (reject,) = shop.rejects("suppliers")
    assert (reject["file"], reject["line"], reject["column"], reject["rule"]) == (
        "suppliers/a.csv", "7", column, rule,
    )  # fmt: skip
    assert reject["raw_row"].startswith(line[:2].decode())
    assert [r[0] for r in shop.rows("suppliers", "supplier_id")] == ["S1", "S10", "S2", "S3", "S4", "S5"]


def test_quoted_newlines_keep_lines_and_values(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers('S6,"Two\nlines, ""quoted""",30,4,1,,2', "S7,x,bad,4,1,,2"))
    shop.run()
    assert ('Two\nlines, "quoted"',) in shop.rows("suppliers", "supplier_name")
    assert shop.rejects("suppliers")[0]["line"] == "9"


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b""], ids=["bom", "plain"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_marks_and_delimiters_do_not_matter(shop, suppliers, mark, delimiter):
    shop.put("suppliers/a.csv", mark + suppliers().replace(",", delimiter).encode())
    assert shop.run().rows_loaded == 5
    assert shop.rows("suppliers", "supplier_id")[0] == ("S1",)


WHOLE_FILE = [
    ("empty file", b"", HeaderError, "line 1"),
    ("duplicate header", b"supplier_id,supplier_id\n1,2\n", HeaderError, "occurs 2 times"),
    ("nameless column", b"supplier_id,,x\n1,2,3\n", HeaderError, "column 2 has no name"),
    ("missing columns", b"supplier_id,supplier_nam\nS1,x\n", HeaderError, "Is it 'supplier_nam'?"),
    ("UTF-16", "supplier_id,supplier_name\n".encode("utf-16"), UnreadableFileError, "UTF-16"),
    ("binary header", b"\x00\x01\x02\xff\n1\n", SourceError, "line 1"),
]


@pytest.mark.parametrize(
    ("content", "error", "says"), [c[1:] for c in WHOLE_FILE], ids=[c[0] for c in WHOLE_FILE]
)
def test_unusable_file_is_refused_by_name(shop, content, error, says):
    shop.put("suppliers/a.csv", content)
    with pytest.raises(error) as raised:
        shop.run()
    assert "suppliers/a.csv" in str(raised.value)
    assert says in str(raised.value)
    assert not list(shop.landing.glob("suppliers/batch=b*"))


def test_truncated_gzip_is_refused(shop, suppliers):
    whole = gzip.compress(suppliers(*(GOOD.replace("S9", f"T{i}") for i in range(5000))).encode())
    shop.put("suppliers/a.csv.gz", whole[: len(whole) // 2])
    with pytest.raises(UnreadableFileError, match=r"suppliers/a\.csv\.gz, after line \d+"):
        shop.run()
    shop.put("suppliers/a.csv.gz", whole)
    assert shop.run().rows_loaded == 5005


def test_unclosed_quote_is_refused_with_its_line(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers('S6,"never closed,30,4,1,,2', "S7,Seven,30,4,1,,2"))
    with pytest.raises(UnreadableFileError, match=r"suppliers/a\.csv, line 7: a quote is never closed"):
        shop.run()


def test_damaged_parquet_is_refused(shop):
    shop.put("suppliers/a.parquet", b"PAR1 not really PAR1")
    with pytest.raises(UnreadableFileError, match=r"suppliers/a\.parquet"):
        shop.run()


def test_duplicate_keys_keep_the_last_row(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers("S1,Renamed,30,4,1,,2"))
    report = shop.run().tables["suppliers"]
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (6, 5, 1)
    assert ("S1", "Renamed") in shop.rows("suppliers", "supplier_id, supplier_name")
    (reject,) = shop.rejects("suppliers")
    assert (reject["line"], reject["column"]) == ("2", "supplier_id, effective_date")
    assert "duplicate key" in reject["rule"]


def test_future_dates_and_unknown_values(shop):
    header = "purchase_order_id,supplier_id,location_id,ordered_on,promised_on,currency"
    rows = ["P1,S1,L1,2026-01-01,2026-01-05,USD", "P2,S1,L1,2027-01-01,2027-01-05,USD",
            "P3,S1,L1,2026-01-01,2026-02-30,USD", "P4,S1,L1,2026-01-01,2026-01-05,DOUBLOON"]  # fmt: skip
    shop.put("purchase_orders.csv", "\n".join([header, *rows]))
    shop.run()
    assert [(r["line"], r["column"], r["rule"]) for r in shop.rejects("purchase_orders")] == [
        ("3", "ordered_on", "not in the future"),
        ("4", "promised_on", "type DATE"),
        ("5", "currency", "allowed values"),
    ]


def test_more_bad_rows_than_tolerated_refuse_the_batch(shop, suppliers):
    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    before = shop.rows("suppliers")
    shop.put("suppliers/b.csv", suppliers("S6,x,bad,4,1,,2").replace("Supplier", "Other"))
    with pytest.raises(TooManyBadRowsError, match=r"suppliers/b\.csv: 1 of 6 rows"):
        shop.run(tolerance=0.1)
    assert shop.rows("suppliers") == before
    assert len(shop.rejects("suppliers")) == 1


def test_every_error_is_of_the_family():
    assert issubclass(SourceError, IntegrationError)
