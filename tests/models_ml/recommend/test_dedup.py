"""Nobody is asked the same twice, small changes wait, and what changed is said."""

import datetime as dt

import pandas as pd
import pytest

from models_ml.recommend.commitments import open_commitments
from models_ml.recommend.dedup import deduplicate
from models_ml.recommend.parameters import ReorderParameters

DAY, NOW = dt.date(2018, 1, 1), dt.datetime(2018, 1, 1, 8, tzinfo=dt.UTC)
PARAMETERS = ReorderParameters()


def candidate(
    quantity: float = 12.0, *, position: float = 3.0, demand: float = 10.0, action: str = "reorder"
) -> dict:
    drivers = {
        "position_units": position,
        "demand_mean_units": demand,
        "case_pack_units": 2.0,
        "as_of": "2018-01-01",
    }
    return {
        "recommendation_id": "new", "action": action, "product_id": "p", "location_id": "A",
        "subject_id": None, "quantity_units": quantity, "drivers": drivers, "details": {},
    }  # fmt: skip


def past(state: str, quantity: float = 12.0, *, decided: float | None = None, days: int = 1, **more) -> dict:
    old = candidate(quantity)
    as_of = (DAY - dt.timedelta(days=days)).isoformat()
    return old | {
        "recommendation_id": "old", "state": state, "decided_quantity_units": decided, "created_at": NOW,
        "expires_at": NOW + dt.timedelta(days=5), "proposed_by": "svc-pipeline", "from_location_id": None,
        "drivers": old["drivers"] | {"as_of": as_of} | more.pop("drivers", {}),
    } | more  # fmt: skip


def deduplicated(row: dict, *earlier: dict):
    return deduplicate(pd.DataFrame([row]), earlier, DAY, PARAMETERS, now=NOW, proposed_by="svc-pipeline")


def test_an_open_question_is_not_asked_again() -> None:
    result = deduplicated(candidate(), past("in_review"))
    assert (len(result.rows), result.unchanged, result.small) == (0, 1, 0)


def test_a_small_change_waits_and_a_large_one_says_what_changed() -> None:
    assert deduplicated(candidate(14.0), past("in_review")).small == 1  # one pack
    result = deduplicated(candidate(24.0, position=-2.0, demand=15.0), past("in_review"))
    assert result.changed == 1
    assert result.rows["details"][0]["changed"] == [
        "quantity from 12 to 24",
        "stock with what is on its way from 3 to -2",
        "demand expected from 10.0 to 15.0",
    ]
    assert result.rows["details"][0]["replaces"] == "old"
    assert result.nervousness == 1.0


@pytest.mark.parametrize(("state", "decided"), [("rejected", None), ("overridden", 0.0), ("approved", 12.0)])
def test_an_answer_stands_for_a_week_unless_something_changed(state: str, decided: float | None) -> None:
    agreed = decided or 0.0
    still = candidate(position=3.0 + agreed)
    assert deduplicated(still, past(state, decided=decided)).unchanged == 1
    assert len(deduplicated(still, past(state, decided=decided, days=8)).rows) == 1
    fallen = deduplicated(candidate(position=agreed - 1.0), past(state, decided=decided))
    assert fallen.changed == 1
    assert "stock with what is on its way" in fallen.rows["details"][0]["changed"][0]


def test_what_has_expired_may_be_asked_again() -> None:
    assert len(deduplicated(candidate(), past("in_review", expires_at=NOW - dt.timedelta(hours=1))).rows) == 1


def test_what_is_not_needed_any_more_is_withdrawn() -> None:
    other = candidate() | {"product_id": "q"}
    assert deduplicated(other, past("in_review")).withdrawn == ("old",)
    assert deduplicated(other, past("in_review", proposed_by="planner_east")).withdrawn == ()
    assert deduplicated(other, past("approved", decided=12.0)).withdrawn == ()


def test_pledges_are_what_is_agreed_and_not_seen_in_stock() -> None:
    earlier = [
        past("approved", decided=12.0),
        past("overridden", decided=4.0, location_id="B"),
        past("executed", decided=5.0, days=1, location_id="C"),  # yesterday's stock: today's shows it
        past("executed", decided=6.0, days=0, location_id="D"),  # today's stock cannot show it yet
        past("approved", decided=7.0, days=PARAMETERS.pledge_days + 1, location_id="E"),  # forgotten
        past("rejected", location_id="F"),
        past("in_review", location_id="G"),
        past("approved", decided=3.0, action="transfer", location_id="A", from_location_id="H"),
        past("approved", decided=2.0, action="cancel", location_id="B"),
    ]
    result = open_commitments(earlier, DAY, PARAMETERS).set_index("location_id")
    assert result["pledged_units"].to_dict() == {"A": 15.0, "B": 2.0, "D": 6.0, "H": 0.0}
    assert result["outgoing_units"].to_dict() == {"A": 0.0, "B": 0.0, "D": 0.0, "H": 3.0}
