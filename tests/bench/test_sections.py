"""Which sections of the benchmark are run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.bench.__main__ import SECTIONS, chosen
from tests.conftest import ROOT


def test_several_sections_are_separated_by_commas() -> None:
    assert chosen("cli, queries") == ["cli", "queries"]


@pytest.mark.parametrize("text", ["queries,nope", "interfaces", ","])
def test_an_unknown_section_is_a_usage_error_that_lists_those_there_are(text: str) -> None:
    command = [sys.executable, "-m", "tests.bench", "--only", text]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 2
    assert all(section in run.stderr.replace("\n", " ") for section in SECTIONS)
