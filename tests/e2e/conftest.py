"""The example retailer, released once for every test of the whole road."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.pipeline.build import build_step, ingest_step, publish_step
from api.pipeline.step_process import run_in_subprocess
from api.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "retailer"


@pytest.fixture(scope="session")
def example(tmp_path_factory) -> Settings:
    """State of its own, with `docs/examples/retailer` released in it."""
    settings = Settings(var_dir=tmp_path_factory.mktemp("var"), source=str(FOLDER))
    for step in (ingest_step, build_step, publish_step):
        run_in_subprocess(step, (settings,), lambda *what: None)
    return settings
