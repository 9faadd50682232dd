"""A small retailer's feature tables, and settings that fit in a second."""

from pathlib import Path

import pytest

from models_ml.demand.settings import DemandSettings
from tests.models_ml.small_warehouse import write_features


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_features(tmp_path_factory.mktemp("features") / "warehouse.duckdb")


@pytest.fixture(scope="session")
def quick() -> DemandSettings:
    return DemandSettings(
        rows=2000, quantile_rounds=6, mean_rounds=6, depth=3, least_child_weight=5, threads=1
    )
