"""Definitions as the API tells them, small enough to read."""

import datetime as dt

import pytest

from dashboards.superset_steelyard.definitions_context import DefinitionsContext
from dashboards.superset_steelyard.periods import Recorded
from dashboards.superset_steelyard.spec import load_specs
from tests.dashboards.site import running

SALES = frozenset({"metric_time", "location__region", "location__banner", "product__department"})


def metric(name, **more):
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "description": f"What {name} means.",
        "type": "simple",
        "unit": "currency",
        "direction": "up",
        "owner": "finance",
        "certification": "certified",
        "is_simulated": False,
        "target": None,
    } | more


@pytest.fixture(scope="session")
def specs():
    return load_specs()


@pytest.fixture
def context(specs):
    """Everything that the boards name, each reaching every dimension that they use."""
    items = [item for spec in specs for item in spec.items]
    names = sorted({name for item in items for name in item.metrics})
    dimensions = SALES | {name for item in items for name in item.by}
    return DefinitionsContext(
        metrics={name: metric(name) for name in names},
        dimensions={
            name: {"name": name, "label": name.split("__")[-1].capitalize(), "type": "categorical"}
            for name in sorted(dimensions)
        },
        reach=dict.fromkeys(names, dimensions),
        recorded=Recorded(dt.date(2017, 1, 1), dt.date(2017, 12, 31)),
        review_url="http://api/review",
        lineage_url="http://api/docs#/lineage",
    )


@pytest.fixture(scope="package")
def site(release_dir, tmp_path_factory):
    """The API and Superset, running."""
    with running(release_dir, tmp_path_factory.mktemp("site") / "var") as running_site:
        yield running_site
