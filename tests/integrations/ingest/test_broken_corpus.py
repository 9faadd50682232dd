"""More broken files, and random damage: rows in = loaded + quarantined, or the file is refused by name."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import shutil

import duckdb
import pytest

from integrations.errors import IntegrationError
from semantic.sql.quoting import literal
from tests.integrations.conftest import SUPPLIER_HEADER, SUPPLIER_ROWS, Shop
from tests.seeds import seeded

BASE = "\n".join([SUPPLIER_HEADER, *SUPPLIER_ROWS, ""])
ROW = "S9,Nine,30,4,1,,2"

# name, content, rows in, rows loaded
KEPT = [
    ("line ends of an old Macintosh", BASE.replace("\n", "\r").encode(), 5, 5),
    ("three kinds of line ends", BASE.replace("\n", "\r\n", 3).encode() + b"S9,x,30,4,1,,2\r", 6, 6),
    ("no line end at the end", BASE.rstrip().encode(), 5, 5),
    ("a header and nothing else", f"{SUPPLIER_HEADER}\n".encode(), 0, 0),
    ("a header without a line end", SUPPLIER_HEADER.encode(), 0, 0),
    ("blank lines", f"{SUPPLIER_HEADER}\n\n\n{ROW}\n\n".encode(), 1, 1),
    ("a line of spaces", f"{SUPPLIER_HEADER}\n   \n{ROW}\n".encode(), 2, 1),
    ("a quoted header", BASE.replace("supplier_id", '"supplier_id"', 1).encode(), 5, 5),
    ("two encodings", BASE.encode() + "S8,Café,30,4,1,,2\n".encode("latin-1") + b"S9,x,30,4,1,,2\n", 7, 6),
    (
        "line ends of Unicode inside a field",
        BASE.encode() + "S9,a\u2028b\x85c\x0cd,30,4,1,,2\n".encode(),
        6,
        6,
    ),
    ("a quote inside a field", BASE.encode() + b'S9,5" pipe,30,4,1,,2\n', 6, 6),
    ("a broken quote and no UTF-8", BASE.encode() + b'S9,"a"\xff,30,4,1,,2\n', 6, 5),
    ("a quote after a backslash", BASE.encode() + b'S9,"a\\"b",30,4,1,,2\n', 6, 5),
    ("the end mark of DOS", BASE.encode() + b"\x1a", 6, 5),
    ("a field of 1.9 MB", f'{BASE}S9,"{"x" * 1_900_000}",30,4,1,,2\n'.encode(), 6, 6),
    ("infinity", f"{BASE}S9,x,30,inf,1,,2\n".encode(), 6, 5),
    ("a hexadecimal number", f"{BASE}S9,x,0x10,4,1,,2\n".encode(), 6, 5),
    ("a negative quantity", f"{BASE}S9,x,30,4,1,-6,2\n".encode(), 6, 5),
]
REFUSED = [
    ("a field of 3 MB", f'{BASE}S9,"{"x" * 3_000_000}",30,4,1,,2\n'.encode(), "line 7: a field is too long"),
    ("UTF-16 without a mark", BASE.encode("utf-16-le"), "not UTF-8"),
    ("UTF-16, the other way round", BASE.encode("utf-16-be"), "not UTF-8"),
    ("UTF-32", BASE.encode("utf-32"), "UTF-8"),
    ("nothing but NULs", b"\0" * 1000, "not UTF-8"),
    ("two byte-order marks", codecs.BOM_UTF8 * 2 + BASE.encode(), "supplier_id"),
    (
        "a line end inside a column's name",
        BASE.replace("supplier_name", '"supplier\nname"', 1).encode(),
        "missing",
    ),
    ("a comma at the end of every line", BASE.replace("\n", ",\n").encode(), "column 8 has no name"),
]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("content", "rows", "loaded"), [k[1:] for k in KEPT], ids=[k[0] for k in KEPT])
def test_every_row_of_an_odd_file_is_loaded_or_set_aside(shop, content, rows, loaded, packed):
    put(shop, content, packed)
    report = shop.run(tolerance=1.0).tables["suppliers"]
    assert (report.rows_in, report.rows_loaded, report.rows_quarantined) == (rows, loaded, rows - loaded)
    assert len(shop.rejects("suppliers")) == rows - loaded


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("content", "says"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_a_file_that_cannot_be_read_is_refused_by_name(shop, content, says, packed):
    name = put(shop, content, packed)
    with pytest.raises(IntegrationError) as raised:
        shop.run(tolerance=1.0)
    assert name in str(raised.value) and says in str(raised.value)
    assert not list(shop.landing.glob("suppliers/batch=b*"))


def put(shop: Shop, content: bytes, packed: bool) -> str:
    name = "suppliers/a.csv.gz" if packed else "suppliers/a.csv"
    shop.put(name, gzip.compress(content, 1) if packed else content)
    return name


def test_random_damage_loses_no_row(tmp_path):
    """Bytes that matter, put at random: the count of rows is that of Python's own reading of the file."""
    chance = seeded()
    pieces = [
        b'"',
        b",",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\xff",
        b"\xe9",
        b'""',
        b"\\",
        b"1e400",
        b" ",
        b"\xef\xbb\xbf",
    ]
    outcomes = {"landed": 0, "refused": 0}
    for turn in range(60):
        lines = [f"S{i},Supplier {i},30,{i}.5,0.5,,2" for i in range(chance.randrange(1, 9))]
        body = ("\n".join(lines) + "\n").encode()
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(body) + 1)
            body = body[:at] + chance.choice(pieces) + body[at + chance.randrange(2) :]
        shop = Shop(tmp_path / str(turn))
        shop.put("suppliers/a.csv", f"{SUPPLIER_HEADER}\n".encode() + body)
        try:
            report = shop.run(tolerance=1.0).tables["suppliers"]
        except IntegrationError as refusal:
            assert "suppliers/a.csv" in str(refusal), body
            outcomes["refused"] += 1
            continue
        outcomes["landed"] += 1
        assert report.rows_in == report.rows_loaded + report.rows_quarantined, body
        assert report.rows_in == records(body), body
        landed = duckdb.sql(
            f"SELECT supplier_id FROM read_parquet({literal(f'{shop.landing}/suppliers/*/*.parquet')})"
        )
        assert len(landed.fetchall()) == report.rows_loaded, body
        assert len(shop.rejects("suppliers")) == report.rows_quarantined, body
        shutil.rmtree(shop.root)
    assert outcomes["landed"] > 20, outcomes


def records(body: bytes) -> int:
    """Records of a CSV body by Python's lenient reader; blank lines are none."""
    text = io.StringIO(body.decode("utf-8", "surrogateescape"), newline="")
    return sum(1 for fields in csv.reader(text) if fields)


def test_a_broken_file_leaves_what_was_landed_and_the_landing_says_so(shop, suppliers):
    """A release is built only from a landing whose ingest came to its end; the serving one stays."""
    from integrations.ingest import landing_is_complete

    shop.put("suppliers/a.csv", suppliers())
    shop.run()
    before = shop.rows("suppliers")
    shop.put("suppliers/b.csv.gz", gzip.compress(BASE.encode() * 500)[:-200])
    with pytest.raises(IntegrationError, match=r"b\.csv\.gz"):
        shop.run()
    assert shop.rows("suppliers") == before
    assert not landing_is_complete(shop.landing)
    (shop.folder / "suppliers/b.csv.gz").unlink()
    shop.run()
    assert landing_is_complete(shop.landing)
