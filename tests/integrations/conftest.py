"""A small retailer's folder to break, and the whole demo landed once."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from integrations.demo import CompleteJourney
from integrations.ingest import IngestReport, ingest
from integrations.sources.folder import FolderSource
from semantic.sql.quoting import literal

SUPPLIER_HEADER = (
    "supplier_id,supplier_name,payment_terms_days,lead_time_mean_days,lead_time_sd_days,"
    "minimum_order_units,review_period_days"
)
SUPPLIER_ROWS = [f"S{i},Supplier {i},{(14, 30, 60)[i % 3]},{i}.5,0.5,,2" for i in range(1, 6)]
TODAY = dt.date(2026, 1, 31)


@dataclass
class Shop:
    """A folder, its landing and its quarantine."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "in"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    def put(self, name: str, content: bytes | str) -> Path:
        """Write a file of the folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def run(self, **options: object) -> IngestReport:
        """Ingest the folder; half of the rows may be bad unless said otherwise."""
        options = {"tolerance": 0.9, "as_of": TODAY} | options
        return ingest(FolderSource(self.folder), self.landing, self.quarantine, **options)  # type: ignore[arg-type]

    def rows(self, table: str, columns: str = "*") -> list[tuple]:
        """Landed rows of a table."""
        files = literal(self.landing / table / "*" / "*.parquet")
        return duckdb.sql(f"SELECT {columns} FROM read_parquet({files}) ORDER BY ALL").fetchall()

    def rejects(self, table: str) -> list[dict[str, str]]:
        """Quarantined rows of a table, as a person with a CSV reader sees them."""
        rejects: list[dict[str, str]] = []
        for path in sorted((self.quarantine / table).glob("*/rejects.csv")):
            with path.open(newline="", encoding="utf-8") as file:
                rejects.extend(csv.DictReader(file))
        return rejects


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """An empty shop."""
    (tmp_path / "in").mkdir()
    return Shop(tmp_path)


@pytest.fixture
def suppliers() -> Callable[..., str]:
    """A suppliers file of five sound rows plus the given ones."""

    def text(*more: str, header: str = SUPPLIER_HEADER) -> str:
        return "\n".join([header, *SUPPLIER_ROWS, *more]) + "\n"

    return text


@dataclass(frozen=True)
class Demo:
    """The whole demo, landed once for all tests."""

    root: Path
    report: IngestReport

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Each landed table as a view."""
        con = duckdb.connect()
        con.execute("SET threads = 2")
        for folder in self.landing.iterdir():
            if folder.is_dir():
                con.execute(
                    f"CREATE VIEW {folder.name} AS FROM read_parquet({literal(f'{folder}/*/*.parquet')})"
                )
        return con


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Packaged demo ingested into a temporary landing (about half a minute)."""
    root = tmp_path_factory.mktemp("demo")
    source = CompleteJourney(planted_anomalies=root / "truth")
    return Demo(root, ingest(source, root / "landing", root / "quarantine"))
