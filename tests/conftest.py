"""Fixtures that every folder of tests may use."""

import os
from pathlib import Path

import duckdb
import pytest

from semantic.sql.quoting import literal
from tests.browser import chromium
from tests.seeds import FULL, SEED

ROOT = Path(__file__).resolve().parent.parent
DEMO_FIXTURES = frozenset({"var_dir", "release_dir"})


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Marks `demo` what reads the demo's state, by the fixtures that a test uses, even through others.

    What is marked `full` is left for `make test-full`.
    """
    for item in items:
        if DEMO_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.demo)
    left = [] if FULL else [item for item in items if item.get_closest_marker("full")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis draws from the tests' seed, unless `--hypothesis-seed` gives another."""
    if config.getoption("hypothesis_seed", None) is None:
        config.option.hypothesis_seed = SEED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How to repeat the run's random choices."""
    terminalreporter.write_line(f"Random choices: STEELYARD_TEST_SEED={SEED} repeats them.")


@pytest.fixture(scope="session")
def var_dir() -> Path:
    """The state folder that the demo pipeline filled."""
    return Path(os.environ.get("STEELYARD_VAR_DIR", ROOT / "var")).resolve()


@pytest.fixture(scope="session")
def release_dir(var_dir: Path) -> Path:
    """The published release of the demo retailer: the whole data, not a sample."""
    current = var_dir / "current"
    if not (current / "release.json").exists():
        pytest.fail(f"no release below {var_dir}: `make test` builds one, or run `make pipeline` first")
    return current.resolve()


@pytest.fixture
def warehouse(release_dir: Path):
    """A read-only connection to the demo's warehouse."""
    con = (
        duckdb.connect()
    )  # attached, since the application may hold the same file open with its own settings
    con.execute(f"ATTACH {literal(release_dir / 'warehouse.duckdb')} AS warehouse (READ_ONLY)")
    con.execute("USE warehouse")
    yield con
    con.close()


@pytest.fixture(scope="session")
def browser():
    """A real headless Chromium."""
    with chromium() as opened:
        yield opened
