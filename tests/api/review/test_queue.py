"""The demo's queue: totals, choices and ranking of all that waits, against pandas on the store's rows."""

import datetime as dt
import sqlite3

import pandas as pd
import pytest

from api.review.labels import choice
from api.review.queue import MOST_ROWS, read_queue
from governance.approvals import FACETS, may_decide
from governance.identity import Directory
from governance.store import OpsStore
from governance.store.migrate import upgrade

DAY = dt.date(2017, 12, 31)


@pytest.fixture(scope="module")
def store(tmp_path_factory, var_dir):
    """The demo's own ops store, copied: nothing is decided on it here."""
    copy = tmp_path_factory.mktemp("queue") / "ops.db"
    with (
        sqlite3.connect(f"file:{var_dir / 'ops.db'}?mode=ro", uri=True) as demo,
        sqlite3.connect(copy) as own,
    ):
        demo.backup(own)
    opened = OpsStore(f"sqlite:///{copy}")
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def frame(store):
    """Every open recommendation."""
    with store.engine.connect() as conn:
        rows = pd.read_sql("SELECT * FROM recommendations WHERE state IN ('proposed', 'in_review')", conn)
    assert len(rows) > MOST_ROWS, "the demo no longer has more open ones than are listed"
    return rows


@pytest.fixture(scope="module")
def people():
    directory = Directory.load()
    return {name: directory.user(name) for name in ("executive", "planner_east", "store_manager")}


def test_sums_are_those_of_all_that_waits(store, frame, people):
    queue = read_queue(store, people["executive"], {}, as_of=DAY)
    assert len(queue.rows) == MOST_ROWS and queue.has_more
    assert queue.totals.open == len(frame)
    assert queue.totals.margin == pytest.approx(frame["expected_margin"].sum())
    assert queue.totals.cash == pytest.approx(frame["expected_cash"].sum())
    assert queue.totals.due == (pd.to_datetime(frame["order_by"]) <= "2018-01-01").sum()
    listed = frame[frame["recommendation_id"].isin([row.id for row in queue.rows])]
    assert abs(listed["expected_cash"].sum() - queue.totals.cash) > 1, "the sum is of what is listed"


def test_every_action_that_waits_can_be_chosen(store, frame, people):
    queue = read_queue(store, people["executive"], {}, as_of=DAY)
    for facet in FACETS:
        assert list(queue.choices[facet]) == sorted(frame[facet].dropna().unique()), facet
    few = read_queue(store, people["executive"], {"action": "expedite"}, as_of=DAY)
    assert len(few.rows) == few.totals.open == (frame["action"] == "expedite").sum() > 0


def test_the_most_pressing_come_first_and_the_cut_after(store, frame, people):
    left = (pd.to_datetime(frame["order_by"]) - pd.Timestamp(DAY)).dt.days
    times = left.map(lambda n: 3.0 if n <= 1 else 2.0 if n <= 3 else 1.3 if n <= 7 else 1.0)
    worth = frame["expected_margin"].fillna(frame["at_stake"]).fillna(0.0) * times
    order = frame.assign(worth=worth).sort_values(["worth", "recommendation_id"], ascending=[False, True])
    queue = read_queue(store, people["executive"], {}, as_of=DAY)
    assert [row.id for row in queue.rows] == list(order["recommendation_id"])[:MOST_ROWS]


def test_a_planner_sees_the_sums_of_her_region(store, frame, people):
    east = frame[frame["region"] == "East"]
    queue = read_queue(store, people["planner_east"], {}, as_of=DAY)
    assert queue.totals.open == len(east)
    assert queue.totals.margin == pytest.approx(east["expected_margin"].sum())
    decided_by_her = read_queue(store, people["planner_east"], {}, as_of=DAY, only_mine=True)
    decidable = [row for row in queue.rows if may_decide(people["planner_east"], row.record)]
    assert decided_by_her.totals.open == len(decided_by_her.rows) == len(decidable) < len(east)


def test_who_may_not_see_money_gets_neither_sums_nor_an_order_by_it(store, frame, people):
    queue = read_queue(store, people["store_manager"], {}, as_of=DAY)
    assert (queue.totals.margin, queue.totals.cash) == (None, None)
    assert {row.record.expected_margin for row in queue.rows} == {None}
    south = frame[frame["region"] == "South"].sort_values(["order_by", "recommendation_id"])
    assert [row.id for row in queue.rows] == list(south["recommendation_id"])


@pytest.mark.parametrize(
    ("facet", "value", "text"),
    [
        ("action", "reorder", "Order"),
        ("action", "undo_transfer", "Undo move"),
        ("policy_route", "two_people", "Two people"),
        ("department", "DRUG GM", "Drug gm"),
        ("region", "East", "East"),
    ],
)
def test_filters_say_what_the_rows_say(facet, value, text):
    assert choice(value, facet) == text
