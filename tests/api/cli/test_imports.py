"""The command line starts at once: a command imports what it needs, and no more."""

import json
import os
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from api.cli import app as command_line
from tests.conftest import ROOT

HEAVY = (
    "mlflow",
    "xgboost",
    "pandas",
    "fastapi",
    "alembic",
    "evidently",
    "sklearn",
    "scipy",
    "dbt",
    "authlib",
)
OURS_AND_QUERIES = ("semantic", "governance", "models_ml", "integrations", "duckdb", "sqlalchemy", "sqlglot")
_PROBE = """
import json, sys
from api.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def imported(*arguments, var_dir="/nonexistent"):
    """Names of the top-level packages that are imported once the command has run."""
    run = subprocess.run(
        [sys.executable, "-c", _PROBE, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"STEELYARD_VAR_DIR": str(var_dir), "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return set(json.loads(run.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["metric", "--help"], ["model", "train", "--help"]])
def test_help_needs_nothing_of_ours_but_the_command_line(arguments):
    assert imported(*arguments) & {*HEAVY, *OURS_AND_QUERIES} == set()


def test_metrics_are_listed_without_heavy_libraries(cli, settings):
    cli.answer("audit", "verify")  # the ops store is there, in this version's schema
    modules = imported("metric", "list", var_dir=settings.var_dir)
    assert modules & set(HEAVY) == set()
    assert "sqlglot" in modules  # the probe sees what is imported late


@pytest.mark.parametrize("noun", command_line.NOUNS)
def test_every_noun_is_a_module_that_is_found_when_it_is_called(noun):
    command = typer.main.get_command(import_module(f"api.cli.{noun}").app)
    assert command.params or command.commands


def test_nouns_are_the_modules_that_have_commands():
    folder = ROOT / "api" / "cli"
    modules = {path.stem for path in folder.glob("*.py") if "\napp = typer.Typer(" in path.read_text()}
    assert modules - {"app"} == set(command_line.NOUNS)
