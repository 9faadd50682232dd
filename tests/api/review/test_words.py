"""What the page says of days, of missing stock, and of an empty queue."""

import datetime as dt

import pytest

from api.review import nothing
from api.review.chart import Day, draw
from api.review.labels import after_data, due
from api.review.nothing import nothing_open
from api.services.capabilities import Capability

LAST = dt.date(2011, 12, 9)


@pytest.mark.parametrize(
    ("order_by", "row", "item"),
    [
        (dt.date(2011, 12, 10), "act by 10 Dec", "1 day after their end"),
        (dt.date(2011, 12, 14), "act by 14 Dec", "5 days after their end"),
        (dt.date(2011, 12, 9), "late since 9 Dec", "the last of them"),
        (dt.date(2011, 12, 7), "late since 7 Dec", "2 days before their end"),
        (dt.date(2012, 12, 9), "act by 9 Dec 2012", "366 days after their end"),
    ],
)
def test_days_count_from_the_end_of_the_data(order_by, row, item):
    left = (order_by - LAST).days
    assert (due(left, order_by), after_data(left)) == (row, item)


def test_without_a_day_none_is_made_up():
    assert (due(None, None), after_data(None)) == ("no date", "")


def days(on_hand, on_order, demand):
    return [Day(LAST - dt.timedelta(days=n), on_hand, on_order, demand) for n in (1, 0)]


def test_stock_that_nobody_recorded_is_not_drawn_as_none_left():
    chart = draw(days(None, None, 3.0), LAST, None)
    assert (chart.stock, chart.on_order) == ("", "")
    assert chart.caption.endswith("no stock is recorded on 9 December 2011.")
    assert draw(days(None, None, None), LAST, None) is None


def test_an_empty_shelf_is_drawn_as_one():
    chart = draw(days(0.0, 0.0, 3.0), LAST, None)
    assert len(chart.stock.split()) == 2
    assert chart.caption.endswith("0 on hand and 0 on order on 9 December 2011.")


class Page:
    def __init__(self, *items):
        self.items = items


@pytest.fixture
def empty_queue(monkeypatch):
    """What an empty queue says, given what may be proposed, what was, and whose data they are."""

    def answer_for(*, waits=(), proposed=(), elsewhere=""):
        kinds = [Capability(name=name, title=name, state="waits", reason="no stock came") for name in waits]
        monkeypatch.setattr(nothing, "kinds_that_wait", lambda _: kinds)
        monkeypatch.setattr(nothing, "list_recommendations", lambda *_, **__: Page(*proposed))
        monkeypatch.setattr(nothing, "why_empty", lambda *_: elsewhere)

        class Services:
            settings = store = metrics = None

        return nothing_open(Services(), None)

    return answer_for


def test_all_clear_is_said_only_of_what_could_be_proposed_and_was(empty_queue):
    assert empty_queue(proposed=[1]).title == "All clear"


@pytest.mark.parametrize("proposed", [(), (1,)])
def test_what_cannot_be_proposed_is_named(empty_queue, proposed):
    answer = empty_queue(waits=["reorder", "transfer"], proposed=proposed)
    assert answer.title != "All clear"
    assert answer.waiting == ("reorder: no stock came", "transfer: no stock came")


def test_nothing_proposed_yet_is_not_all_clear(empty_queue):
    assert empty_queue().title == "Nothing has been proposed yet"


def test_a_directory_that_names_other_places_is_the_reason(empty_queue):
    sentence = "Your directory entry names East (regions); this data has EU, UK."
    answer = empty_queue(waits=["reorder"], elsewhere=sentence)
    assert (answer.title, answer.sentence) == ("Nothing of this data is yours", sentence)
