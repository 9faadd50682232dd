"""Kinds are listed once, and one more needs no other place to be planned and proposed."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from governance.approvals.actions import ACTIONS
from models_ml.recommend import run as recommend_run
from models_ml.recommend.inputs.needs import Needs
from models_ml.recommend.inputs.open_orders import OpenOrders
from models_ml.recommend.kind import Situation
from models_ml.recommend.kinds import KINDS
from models_ml.recommend.parameters import ReorderParameters
from models_ml.recommend.proposal import Run, frame

NOTHING = pd.DataFrame()
WEEKS = np.zeros((0, 8))
RUN = Run("R", dt.date(2017, 12, 31), 0, None, ReorderParameters())


def situation() -> Situation:
    needs = Needs(NOTHING, WEEKS, WEEKS)
    orders = OpenOrders(NOTHING, WEEKS, WEEKS)
    return Situation(RUN, NOTHING, needs, needs, orders, NOTHING, NOTHING, NOTHING, NOTHING)


class Toy:
    """Says which lines are cancelled, and proposes to look at each that any kind cancels."""

    action = "toy"
    needs = ()
    assumes = ()

    def __init__(self, line: str) -> None:
        self._line = line

    def plan(self, situation: Situation) -> Situation:
        return replace(situation, cancelled=situation.cancelled | {self._line})

    def propose(self, situation: Situation) -> pd.DataFrame:
        seen = "+".join(sorted(situation.cancelled))
        return frame([{
            "recommendation_id": self._line, "action": self.action, "product_id": "P", "location_id": "S",
            "subject_id": f"{self._line} of {seen}", "quantity_units": 1.0, "expected_margin": 1.0,
            "expected_cash": 0.0, "drivers": {}, "details": {},
        }])  # fmt: skip


def test_every_action_has_its_kind_and_every_kind_its_action() -> None:
    assert sorted(kind.action for kind in KINDS) == sorted(ACTIONS)


def test_what_is_cancelled_is_planned_before_what_is_deferred() -> None:
    order = [kind.action for kind in KINDS]
    assert order.index("transfer") < order.index("reorder")
    assert order.index("cancel") < order.index("defer")


def test_a_toy_kind_is_planned_and_proposed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recommend_run, "KINDS", [Toy("L1"), Toy("L2")])
    monkeypatch.setattr(recommend_run, "read_situation", lambda *read, **more: situation())
    done = recommend_run.recommend(Path("none"), Path("none"), "R")
    assert dict(done.considered) == {"toy": 2}
    assert sorted(done.rows["subject_id"]) == ["L1 of L1+L2", "L2 of L1+L2"]
