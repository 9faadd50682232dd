"""One household makes nine tenths of a group: its money does not show, and no total gives it back."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.auth.sign_in import local_issuer
from api.settings import Settings
from governance.disclosure.complement import hide_small
from governance.disclosure.control import LARGEST_SHARE
from governance.disclosure.disclosed import DisclosureHistory
from governance.disclosure.groups import Groups
from semantic.plan.suppression_probe import BUCKETS
from tests.security.household_release import TABLES, manifest
from tests.security.small_release import write_release
from tests.seeds import generator

ONE_LARGE = (
    TABLES
    + """
CREATE OR REPLACE TABLE customers AS SELECT 'c' || i AS customer_id,
  CASE WHEN i < 14 THEN 'gold' WHEN i < 30 THEN 'silver' ELSE 'bronze' END AS loyalty_tier,
  '25-34' AS age_band, true AS has_analytics_consent, true AS has_marketing_consent FROM range(42) t(i);
CREATE OR REPLACE TABLE sales AS SELECT 's' || i AS sale_id, DATE '2017-01-01' + (i % 5)::INT AS date_day,
  'c' || i AS customer_id, 'l1' AS location_id, 'p' || (1 + i % 2) AS product_id,
  CASE WHEN i = 0 THEN 900 WHEN i < 14 THEN 5 WHEN i < 30 THEN 20 ELSE 30 END AS amount, 0.5 AS margin
  FROM range(42) t(i);
"""
)
BY_TIER = {"metrics": ["net_sales"], "group_by": ["customer__loyalty_tier"]}


@pytest.fixture(params=[{}, {"largest_share": 1.0}], ids=["default", "off"])
def asking(request, tmp_path):
    """The share in force, and the rows of a question over HTTP."""
    write_release(tmp_path, "large", manifest(), ONE_LARGE)
    settings = Settings(var_dir=tmp_path, **request.param)
    issuer = local_issuer(settings)
    with TestClient(create_app(settings)) as client:

        def rows(question, user="planner_east"):
            token = issuer.issue(user, now=dt.datetime.now(dt.UTC))
            answer = client.post("/v1/query", json=question, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            return {tuple(key): value for *key, value in answer.json()["rows"]}

        yield settings.largest_share, rows


def test_the_group_is_hidden_and_another_with_it(asking):
    share, rows = asking
    if share == 1:
        assert rows(BY_TIER) == {("gold",): 965, ("silver",): 320, ("bronze",): 360}
        return
    assert rows(BY_TIER) == {("silver",): 320}  # all but silver is 1,325, of which the household makes 68 %
    assert rows({"metrics": ["net_sales"], "group_by": ["location__region"]}) == {("East",): 1645}


@pytest.mark.parametrize(
    "where", ["customer__loyalty_tier = 'gold'", "customer__loyalty_tier NOT IN ('silver', 'bronze')"]
)
def test_nor_by_a_filter(asking, where):
    share, rows = asking
    alone = rows({"metrics": ["net_sales"], "group_by": ["location__region"], "where": [where]})
    assert alone == ({("East",): 965} if share == 1 else {})


@pytest.mark.parametrize("metric", ["sales_per_customer", "gold_sales", "net_sales"])
def test_nor_by_another_metric_of_the_same_money(asking, metric):
    share, rows = asking
    answer = rows({"metrics": [metric], "group_by": ["customer__loyalty_tier"]})
    assert (("gold",) in answer and answer["gold",] is not None) == (share == 1)


def test_counts_of_the_same_group_show(asking):
    _, rows = asking
    counted = rows({"metrics": ["active_customers"], "group_by": ["customer__loyalty_tier"]})
    assert counted == {("gold",): 14, ("silver",): 16, ("bronze",): 12}


@pytest.mark.parametrize("seed", range(20))
def test_no_total_tells_of_one_household(seed):
    """Random tables, by hand: in no line or column is the hidden rest nearly one household's.

    The households of different cells differ here, so the largest of a rest is the largest of its cells.
    """
    draws = generator(seed)
    keys = [(a, b) for a in "abcd" for b in "xyz"]
    counts = draws.integers(6, 30, len(keys))
    sketches = np.zeros((len(keys), BUCKETS), dtype=np.uint64)
    for row, count in zip(sketches, counts, strict=True):
        row[draws.choice(BUCKETS, count, replace=False)] = 1
    money = [np.sort(draws.pareto(0.8, count)) for count in counts]
    largest = np.array([[part[-1]] for part in money])
    total = np.array([[part.sum()] for part in money])
    groups = Groups(keys, counts, sketches, largest, total)
    hidden = hide_small(groups, DisclosureHistory(10), 10, LARGEST_SHARE)
    assert not (~hidden & (largest > LARGEST_SHARE * total)[:, 0]).any()
    for at in (0, 1, None):
        for value in {key[at] for key in keys} if at is not None else {None}:
            inside = np.array([at is None or key[at] == value for key in keys])
            rest, displayed = inside & hidden, inside & ~hidden
            if rest.any() and displayed.any():
                assert largest[rest].max() <= LARGEST_SHARE * total[rest].sum()
