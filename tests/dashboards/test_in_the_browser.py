"""The dashboards in a real browser: drawn without error, right to the digit, filtered, drilled.

`STEELYARD_PICTURES=docs/images` keeps full-page pictures of what was seen.
"""

import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from dashboards.superset_steelyard.charts import follows_period, written
from dashboards.superset_steelyard.definitions import d3_format
from tests.conftest import ROOT
from tests.dashboards.page import (
    CHART,
    ERROR,
    TILE,
    choose,
    open_dashboard,
    picture,
    signed_in,
    tiles,
    wait_until_drawn,
)

SLUGS = ("executive", "stock", "decisions", "money", "models")


@pytest.fixture(scope="module")
def executive(browser, site):
    page = signed_in(browser, site, "executive")
    yield page
    page.context.close()


def metrics_of(site, user="executive"):
    import httpx

    from tests.dashboards.site import token

    answer = httpx.get(
        f"{site.dashboards.api_url}/v1/metrics", headers={"Authorization": f"Bearer {token(site, user)}"}
    )
    return {row["name"]: row for row in answer.json()["items"]}


@pytest.mark.parametrize("slug", SLUGS)
def test_every_chart_of_every_dashboard_is_drawn(executive, site, slug):
    failed = []

    def watch(response):
        if "/api/v1/chart/data" in response.url and response.status >= 400:
            failed.append((response.status, response.url))

    executive.on("response", watch)
    try:
        open_dashboard(executive, site, slug)
    finally:
        executive.remove_listener("response", watch)
    assert executive.locator(CHART).count() >= 1
    assert executive.locator(ERROR).all_inner_texts() == []
    assert {title: text for title, text in tiles(executive).items() if not re.search(r"\d", text)} == {}
    assert failed == []
    if pictures := os.environ.get("STEELYARD_PICTURES"):
        (ROOT / pictures).mkdir(parents=True, exist_ok=True)
        picture(executive, ROOT / pictures / f"dashboard-{slug}.png")


def test_pages_ask_nothing_of_other_sites(browser, site):
    """Superset's pages bring a pixel that counts their openings elsewhere: the browser may not fetch it."""
    page, asked = signed_in(browser, site, "executive"), []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - it wants a function of Python
    open_dashboard(page, site, "executive")
    page.wait_for_load_state("networkidle")
    outside = [r for r in asked if not r.url.startswith((site.url, "data:", "blob:"))]
    assert {r.failure for r in outside} <= {"csp"}, [(r.url, r.failure) for r in outside]
    policy = page.request.get(f"{site.url}/superset/welcome/").headers["content-security-policy"]
    assert "default-src 'self'" in policy and "http" not in policy.replace(site.host_url, "")
    page.context.close()


@pytest.mark.parametrize("user", ["executive", "planner_east", "store_manager"])
def test_each_tile_is_the_metric_query_of_its_reader(browser, site, specs, user):
    """Read from the page, on every dashboard that the reader may open, at the precision that is shown."""
    page = signed_in(browser, site, user)
    metrics = metrics_of(site, user)
    compared = 0
    for spec in specs:
        if spec.roles and site.role(user) not in spec.roles:
            continue
        open_dashboard(page, site, spec.slug)
        tile_texts = tiles(page)
        period = period_of(page)
        for item in spec.items:
            name = item.metrics[0] if item.metrics else ""
            if item.kind != "kpi" or name not in metrics:
                continue
            title = item.title or metrics[name]["label"]
            where = [condition(one) for one in item.options.get("where", ())]
            over = {"time_constraint": period} if follows_period(item) else {}
            ((value,),) = site.metric_query(user, [name], where=where, **over)
            if value is None:
                assert not re.search(r"\d", tile_texts[title]), (spec.slug, name)
                continue
            expected = written(float(value), d3_format(metrics[name]))
            assert tile_texts[title].replace("-", "−") == expected, (spec.slug, name)
            compared += 1
    page.context.close()
    assert compared >= 8


def condition(where):
    """A tile's own filter, as dbt writes it."""
    values = ", ".join(f"'{value}'" for value in where["value"])
    return f"{{{{ Dimension('{where['dimension']}') }}}} IN ({values})"


def period_of(page):
    """First and last day of the period filter, as the page shows it."""
    text = page.locator("[data-test=time-range-trigger], .pill, .ant-tag").first.inner_text()
    start, stop = re.findall(r"\d{4}-\d\d-\d\d", text)
    import datetime as dt

    return start, (dt.date.fromisoformat(stop) - dt.timedelta(days=1)).isoformat()


def test_a_filter_changes_the_numbers_to_those_of_the_region(executive, site):
    open_dashboard(executive, site, "executive")
    before, period = tiles(executive), period_of(executive)
    choose(executive, "Region", "East")
    after = tiles(executive)
    metrics = metrics_of(site)
    for name in ("net_sales", "in_stock_rate", "working_capital"):
        where = ["{{ Dimension('location__region') }} = 'East'"]
        ((value,),) = site.metric_query("executive", [name], where=where, time_constraint=period)
        label = metrics[name]["label"]
        assert after[label] == written(float(value), d3_format(metrics[name]))
        assert after[label] != before[label]


def open_over(page, site, slug, period):
    """The dashboard under another period, as a shared link opens it."""
    name = f"NATIVE_FILTER-{slug}-period"
    state = f"extraFormData:(time_range:'{period}'),filterState:(value:'{period}'),id:{name},ownState:()"
    page.set_viewport_size({"width": 1500, "height": 4000})
    page.goto(f"{site.url}/superset/dashboard/{slug}/?native_filters=({name}:({quote(state, safe='():,')}))")
    page.wait_for_selector(CHART)
    wait_until_drawn(page)


def test_a_period_without_data_leaves_tiles_empty_and_says_until_when_data_go(executive, site):
    open_over(executive, site, "executive", "2018-03-01 : 2018-04-01")
    tile_texts = tiles(executive)
    assert len(tile_texts) == 12 and not [text for text in tile_texts.values() if re.search(r"\d", text)]
    hints = executive.evaluate(
        "[...document.querySelectorAll('.ant-empty-description')]"
        ".map(e => getComputedStyle(e, '::after').content)"
    )
    assert len(hints) >= 12 and all("Data go until 31 December 2017." in text for text in hints)


def test_the_last_week_is_that_of_the_data(executive, site):
    open_over(executive, site, "executive", "Last week")
    tile_texts, metrics = tiles(executive), metrics_of(site)
    for name in ("net_sales", "gross_margin"):
        week = ("2017-12-25", "2017-12-31")
        ((value,),) = site.metric_query("executive", [name], time_constraint=week)
        assert tile_texts[metrics[name]["label"]] == written(float(value), d3_format(metrics[name]))


def test_what_a_filter_does_not_reach_says_so_in_its_tile(executive, site):
    open_dashboard(executive, site, "money")
    texts = executive.evaluate(
        f"[...document.querySelectorAll('{TILE}')].map(e => [e.getAttribute('data-test-chart-name'),"
        " e.innerText])"
    )
    under = dict(texts)
    for title in ("Working capital", "Cash out committed", "Days payable outstanding"):
        assert "all departments" in under[title], under[title]
    assert "all departments" not in under["Inventory carrying cost"]


def test_a_number_opens_into_its_parts(executive, site):
    """Right click on a row, drill by another dimension: a chart of the same number opens."""
    open_dashboard(executive, site, "stock")
    executive.get_by_role("cell", name="Store", exact=False).first.click(button="right")
    executive.locator("[data-test=chart-context-menu]").get_by_text("Drill by").hover()
    executive.get_by_placeholder("Search columns").fill("Department")
    executive.wait_for_timeout(1500)  # the list follows the search after a moment
    executive.get_by_text("Department", exact=True).last.click()
    dialog = executive.get_by_role("dialog")
    dialog.wait_for()
    wait_until_drawn(executive)
    assert dialog.locator(".ant-alert-error").count() == 0
    assert "Drill by" in dialog.inner_text()


def test_from_a_number_to_review_and_lineage(executive, site):
    open_dashboard(executive, site, "executive")
    links = executive.locator(".dashboard-markdown a")
    targets = {link.inner_text(): link.get_attribute("href") for link in links.all()}
    assert targets["review"].startswith(f"{site.dashboards.api_url}/review")
    assert targets["lineage"].startswith(f"{site.dashboards.api_url}/")


def test_the_next_reader_on_the_same_dashboard_sees_their_own(browser, site):
    """Cache on, one after the other, tile by tile; the second look of each asks nothing of the API."""
    seen = {}
    for user in ("executive", "planner_east", "executive"):
        page = signed_in(browser, site, user)
        open_dashboard(page, site, "stock")
        numbers = tiles(page)
        assert seen.setdefault(user, numbers) == numbers
        page.context.close()
    differing = [title for title, text in seen["executive"].items() if seen["planner_east"][title] != text]
    assert len(differing) >= 5


def test_a_dashboard_is_not_listed_for_those_it_is_not_for(site):
    names = {
        user: {
            row["slug"] for row in site.sign_in(user).get(f"{site.url}/api/v1/dashboard/").json()["result"]
        }
        for user in ("executive", "store_manager")
    }
    assert names["executive"] == set(SLUGS)
    assert names["store_manager"] == {"stock", "decisions", "models"}


def test_the_pictures_of_the_documentation_exist():
    for slug in SLUGS:
        assert (Path(ROOT) / "docs" / "images" / f"dashboard-{slug}.png").stat().st_size > 20_000
