"""Retailers without promotions, stock, cost or customers, each alone: the run ends, its numbers are those
of the raw files, and its table of what runs is the one written here by hand."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.retailers.books import COST
from tests.retailers.matrix import CHECKS, EVERYTHING, KINDS, SALES_ALONE, Shape, run_shapes
from tests.retailers.shop import Tables, with_everything, write_shop
from tests.seeds import FULL

EXAMPLE = ROOT / "docs" / "examples" / "retailer"


def _without(*tables: str, columns: tuple[str, ...] = ()) -> Tables:
    """The shop with everything but these tables, and these columns of the others."""
    every = with_everything(write_shop())
    return {
        name: frame.drop(columns=[*columns], errors="ignore")
        for name, frame in every.items()
        if name not in tables
    }


SHAPES = {
    "everything": Shape(_without, EVERYTHING),
    "no_promotions": Shape(
        lambda: _without("promotions"),
        EVERYTHING,
        {"promo_uplift": "promotions", "promo_sales_share": "promotions"},
    ),
    "no_stock": Shape(
        lambda: _without("inventory_snapshots", "inventory_movements"),
        SALES_ALONE,
        {"inventory_value": "inventory_snapshots", "gmroi": "inventory_snapshots"},
    ),
    "no_cost": Shape(
        lambda: _without(columns=("landed_cost", "unit_cost")),
        EVERYTHING | {"margin_risk": "waits"},
        {"gross_margin": COST, "gmroi": COST},
    ),
    "no_customers": Shape(
        lambda: _without("customers", "consents", columns=("customer_id",)),
        EVERYTHING | {"kpis_customer_analytics": "waits"},
        {"active_customers": "sales_lines.customer_id"},
    ),
    # Every table, but five weeks of sales: the rule forecasts, and every kind rests on it.
    "example": Shape(
        dict,
        EVERYTHING
        | {"kpis_supply_chain": "runs"}
        | {kind: "fallback" for kind in KINDS if kind != "investigate"},
    ),
}


OF_EACH_RUN = ("no_cost",)  # the others by `make test-full`: a shape takes a minute


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    return run_shapes(tmp_path_factory.mktemp("retailers"), SHAPES, {"example": EXAMPLE})


@pytest.mark.parametrize("name", SHAPES if FULL else OF_EACH_RUN)
@pytest.mark.parametrize("check", CHECKS)
def test_a_retailer_with_less(ran, name, check):
    check(ran(name))
