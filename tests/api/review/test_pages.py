"""The planners' page in a real browser, and its guards by plain requests."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import duckdb
import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import select

from api.auth.secret import secret_in
from api.pipeline.build import build_step, publish_step
from api.pipeline.record import record_step
from api.pipeline.step_process import run_in_subprocess
from api.review.session import COOKIE, password_file
from api.services.impact_service import impact_of
from api.wiring import Services
from governance.approvals import find_recommendation, propose
from governance.identity import Directory
from governance.store import OpsStore
from governance.store.migrate import upgrade
from governance.store.schema import decisions, recommendations
from semantic import MetricQuery
from semantic.sql.quoting import literal
from tests.api.review.served import served, state_of_its_own
from tests.browser import window

NOW = dt.datetime.now(dt.UTC)


def proposal(number: int, region: str, location: str, product: str, **more):
    return {
        "recommendation_id": f"{region.lower()}-{number:02}", "action": "reorder", "product_id": product,
        "product_name": f"GOODS {number}, 12 OZ", "location_id": location, "region": region,
        "banner": "Steelyard",
        "department": "GROCERY", "category": "CHEESE", "supplier_id": "S001", "quantity_units": 24.0 + number,
        "order_by": dt.date(2018, 1, 1), "need_by": dt.date(2018, 1, 4), "expected_units": 9.0,
        "expected_margin": 100.0 - number, "expected_cash": -300.0 + number, "expected_service": 0.96,
        "confidence": 0.8, "reason": "Order what sells.",
        "drivers": {"as_of": "2017-12-31", "on_hand_units": 3},
        "model_name": "demand", "model_version": "7", "release_id": "r", "is_simulated": True,
        "details": {"as_of": "2017-12-31", "weekly": [
            {"week_ending": f"2018-01-{day:02}", "inventory": 30.0, "payables": owed, "cash": 1.0,
             "working_capital": 30.0 - owed} for day, owed in ((7, 40.0), (14, 0.0))],
            "drivers_in_words": ["It sells <b>fast</b>."], "alternatives": [
            {"action": "reorder", "quantity": 24, "expected_units": 9, "expected_service": 0.96,
             "expected_margin": 12, "expected_cash": -30, "is_proposed": True,
             "words": "as proposed"},
            {"action": "nothing", "quantity": 0, "expected_units": 0, "expected_service": 0.2,
             "expected_margin": 0, "expected_cash": 0, "is_proposed": False, "words": "do nothing"}]},
    } | more  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory, var_dir, release_dir):
    return state_of_its_own(tmp_path_factory.mktemp("review"), var_dir, release_dir)


@pytest.fixture(scope="module")
def store(settings):
    opened = OpsStore(settings.ops_store_url)
    upgrade(opened)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def queue(store, release_dir):
    """Twelve for the East, three for the West, on real pairs; none of them automatic."""
    with duckdb.connect() as con:
        con.execute(f"ATTACH {literal(release_dir / 'warehouse.duckdb')} AS w (READ_ONLY)")
        pairs = con.execute("""
            SELECT l.region, l.location_id, i.product_id FROM w.fct_inventory_daily i JOIN w.dim_location l USING (location_id)
            WHERE l.location_type = 'store' AND i.date_day = DATE '2017-12-31' AND i.is_ranged ORDER BY ALL""").fetchall()  # noqa: E501
    service = replace(Directory.load().service("pipeline"), scopes=frozenset({"propose"}))
    rows = []
    for region, count in (("East", 12), ("West", 3)):
        here = [pair for pair in pairs if pair[0] == region][:count]
        rows += [proposal(n, region, location, product) for n, (_, location, product) in enumerate(here)]
    proposed = propose(store, service, rows, now=NOW)
    assert {r.policy_route for r in proposed} == {"planner"} and len(proposed) == 15
    return [r.recommendation_id for r in proposed]


@pytest.fixture(scope="module")
def address(settings, queue):
    with served(settings) as url:
        yield url


@pytest.fixture
def page(browser, address):
    """A fresh browser window, whose console must stay silent: a broken CSP or script shows there."""
    opened = window(browser, viewport={"width": 1440, "height": 900})
    noise = []
    opened.on("console", lambda m: noise.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda e: noise.append(str(e)))
    yield opened
    opened.context.close()
    assert [line for line in noise if "status of 4" not in line] == []


def sign_in(page, address, settings, user):
    page.goto(f"{address}/review")
    page.select_option("#user", user)
    page.fill("#password", secret_in(password_file(settings)))
    page.click("button[type=submit]")
    page.wait_for_selector("#queue")
    page.wait_for_load_state()  # a key pressed before the scripts are there is lost


def west(client, settings):
    """Sign the West's planner in, without a browser."""
    form = {"user": "planner_west", "password": secret_in(password_file(settings))}
    assert client.post("/review/sign-in", data=form).status_code == 303


def settled(page, count):
    """Wait until the list has so many rows."""
    page.wait_for_function("n => document.querySelectorAll('#rows .row').length === n", arg=count)


def test_a_planner_sees_only_her_region_and_a_hidden_item_answers_like_a_missing_one(page, address, settings):
    sign_in(page, address, settings, "planner_east")
    settled(page, 12)
    assert page.locator("#rows").get_by_text("West").count() == 0
    answers = []
    for key in ("west-00", "no-such-thing"):
        answer = page.goto(f"{address}/review/items/{key}")
        answers.append((answer.status, answer.text()))
    assert answers[0] == answers[1] and answers[0][0] == 404


def test_the_page_is_accessible_and_tells_what_is_simulated(page, address, settings):
    sign_in(page, address, settings, "planner_east")
    page.wait_for_selector(".plot")
    page.keyboard.press("r")
    for where in ("the item with a form open", "the help"):
        audit = Axe().run(page)
        assert audit.violations_count == 0, f"{where}: {audit.generate_report()}"
        page.keyboard.press("Escape")
        page.keyboard.press("?")
    page.keyboard.press("Escape")
    assert page.locator(".tag.simulated").inner_text() == "simulated data"
    assert page.locator(".words li").first.inner_text() == "It sells <b>fast</b>."  # text, not markup
    assert page.locator("tr.chosen th").inner_text().startswith("As proposed")


def test_the_page_fits_a_telephone_and_names_both_clocks(page, address, settings):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, address, settings, "planner_east")
    page.wait_for_selector(".plot")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert "data up to 31 Dec 2017" in page.locator(".brand").inner_text()
    item = page.locator("#detail .item").inner_text()
    assert "“Act by” is a day of the data: 1 day after their end, 31 Dec 2017." in item
    assert "By the clock: goes one step up if nobody decides by" in item
    page.goto(f"{address}/review/impact")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_what_breaks_a_rule_is_told_and_changes_nothing(page, address, settings, store):
    sign_in(page, address, settings, "planner_east")
    first = page.locator("#detail .item").get_attribute("data-id")
    page.keyboard.press("r")
    page.select_option("#act-reject select", "other")  # needs a note
    page.click("#act-reject button")
    page.wait_for_selector(".alert")
    assert "needs a note" in page.locator(".alert").inner_text()
    assert find_recommendation(store, first).state == "in_review"


def test_double_submit_decides_once(address, settings, store):
    """The same form twice, as a nervous finger sends it: one decision, and the same answer."""
    with httpx.Client(base_url=address) as client:
        client.post(
            "/review/sign-in", data={"user": "planner_west", "password": secret_in(password_file(settings))}
        )
        html = client.get("/review/items/west-02").text
        token, key = (re.search(rf'name="{n}" value="([^"]+)"', html).group(1) for n in ("csrf", "key"))
        form = {"decision": "approve", "csrf": token, "key": key}
        answers = [client.post("/review/items/west-02/decisions", data=form) for _ in range(2)]
        assert [a.status_code for a in answers] == [303, 303]
        other = client.post("/review/items/west-02/decisions", data=form | {"key": "another"})
        assert other.status_code == 409 and "already approved" in other.text
    with store.read() as conn:
        rows = conn.execute(select(decisions).where(decisions.c.recommendation_id == "west-02")).all()
    assert len(rows) == 1


@pytest.mark.parametrize(("form", "headers"), [
    ({"csrf": "0" * 64}, {}),
    ({}, {}),
    ({"csrf": None}, {"origin": "https://evil.example"}),
    ({"csrf": None}, {"sec-fetch-site": "cross-site"}),
])  # fmt: skip
def test_a_form_of_another_site_or_session_decides_nothing(form, headers, address, settings, store):
    with httpx.Client(base_url=address) as client:
        client.post(
            "/review/sign-in", data={"user": "planner_west", "password": secret_in(password_file(settings))}
        )
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/review").text).group(1)
        sent = {"decision": "approve", "key": "k"} | {k: token if v is None else v for k, v in form.items()}
        answer = client.post("/review/items/west-00/decisions", data=sent, headers=headers)
    assert answer.status_code == 403
    assert find_recommendation(store, "west-00").state == "in_review"


def test_the_session_is_kept_from_scripts_and_other_sites(address, settings):
    with httpx.Client(base_url=address) as client:
        assert client.get("/review").headers["location"] == "/review/sign-in"
        wrong = client.post("/review/sign-in", data={"user": "planner_east", "password": "wrong"})
        assert wrong.status_code == 401 and "set-cookie" not in wrong.headers
        right = client.post(
            "/review/sign-in", data={"user": "planner_east", "password": secret_in(password_file(settings))}
        )
        cookie = right.headers["set-cookie"]
        assert cookie.startswith(COOKIE)
        assert {"HttpOnly", "SameSite=strict", "Path=/review"} <= set(cookie.split("; "))
        policy = client.get("/review").headers["content-security-policy"]
        assert (
            "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        )
        assert client.get("/review/queue", headers={"hx-request": "true"}).status_code == 200
        client.cookies.set(COOKIE, "forged.token.here", path="/review")
        gone = client.get("/review/queue", headers={"hx-request": "true"})
        assert (gone.status_code, gone.headers["hx-redirect"]) == (401, "/review/sign-in")


def test_bulk_approval_stays_within_limits(address, settings, store, queue):
    """One of the West's and one of the East's, sent by the West's planner: only her own is approved."""
    with httpx.Client(base_url=address) as client:
        client.post(
            "/review/sign-in", data={"user": "planner_west", "password": secret_in(password_file(settings))}
        )
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/review").text).group(1)
        sent = {"csrf": token, "key": "b", "ids": ["west-01", "east-11"]}
        answer = client.post("/review/decisions", data=sent, headers={"hx-request": "true"})
    assert "1 approved. 1 stay" in answer.text
    assert [find_recommendation(store, key).state for key in ("west-01", "east-11")] == [
        "approved",
        "in_review",
    ]


def test_keys_pressed_the_moment_the_list_is_drawn_work_like_later_ones(page, address, settings):
    """`x` and `j` in the very task that draws the list: the box stays chosen, and no page is loaded anew."""
    sign_in(page, address, settings, "planner_east")
    settled(page, 12)
    second = page.locator("#rows .row").nth(1).get_attribute("data-id")
    page.evaluate("""() => {
        window.isSameLoad = true;
        const press = (key) =>
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        new MutationObserver((_, watch) => { watch.disconnect(); press("x"); press("j"); })
            .observe(document.querySelector("#queue"), { childList: true });
    }""")
    page.check("input[name=mine]")  # draws the same twelve again
    wait_until_open(page, second)
    assert page.evaluate("window.isSameLoad") is True
    assert page.locator("#rows input:checked").count() == 1
    assert page.locator("#approve-several").inner_text() == "Approve 1"


def wait_until_open(page, recommendation_id):
    """Wait until this one is open."""
    page.wait_for_function(
        "id => document.querySelector('#detail .item').dataset.id === id", arg=recommendation_id
    )


def test_ten_items_cleared_by_keyboard_are_what_the_next_build_shows(page, address, settings, store):
    """Eight approved, one changed, one rejected; then record, build, and ask the metrics."""
    sign_in(page, address, settings, "planner_east")
    settled(page, 12)
    clear_ten(page)
    for step in (record_step, build_step, publish_step):
        run_in_subprocess(step, (settings,), lambda *what: None)
    rates = ["acceptance_rate", "override_rate", "rejection_rate", "decisions_by_people"]
    rates_shown = by_person(settings, [*rates, "decision_cycle_time_hours"])
    hours = cycle_hours(store, "planner_east")
    assert len(hours) == 10
    assert [float(rates_shown[name]) for name in rates] == [0.8, 0.1, 0.1, 10.0]
    assert float(rates_shown["decision_cycle_time_hours"]) == pytest.approx(
        (hours[4] + hours[5]) / 2, abs=1e-6
    )


def clear_ten(page):
    """By keys alone: six approved one by one, two at once, one changed, one rejected."""
    for left in (11, 10, 9):
        page.keyboard.press("a")
        settled(page, left)
    page.keyboard.press("e")
    page.keyboard.type("6")
    page.keyboard.press("Tab")
    page.keyboard.type("no room")  # picks the reason by its first letters
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settled(page, 8)
    page.keyboard.press("r")
    page.keyboard.type("the supplier")
    page.keyboard.press("Tab")
    page.keyboard.type("They wrote us today.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    settled(page, 7)
    for left in (6, 5, 4):
        page.keyboard.press("a")
        settled(page, left)
    page.keyboard.press("x")
    second = page.locator("#rows .row").nth(1)
    page.keyboard.press("j")
    wait_until_open(page, second.get_attribute("data-id"))
    page.keyboard.press("x")
    page.keyboard.press("a")
    settled(page, 2)
    assert page.locator("#said").inner_text() == "2 approved."


def by_person(settings, names):
    """The metrics of the newest release, in the row of the East's planner."""
    services = Services.from_settings(settings)
    try:
        query = MetricQuery(metrics=names, group_by=["decision__decided_by"])
        rows = services.metrics.answer(query, None).table.to_pylist()
    finally:
        services.close()
    return next(row for row in rows if row["decision__decided_by"] == "planner_east")


def cycle_hours(store, user):
    """From the ops store itself: hours from proposal to decision, sorted."""
    pair = select(decisions.c.decided_at, recommendations.c.created_at).join(recommendations)
    with store.read() as conn:
        rows = conn.execute(pair.where(decisions.c.decided_by == user)).all()
    return sorted((decided - proposed).total_seconds() / 3600 for decided, proposed in rows)


def test_finance_sees_what_the_open_set_does_and_others_are_refused(page, address, settings, store):
    """The page's weeks are those of the command line's view; who may see no cost is refused."""
    sign_in(page, address, settings, "finance_controller")
    page.click("text=Working capital")
    page.wait_for_selector("#by-action")
    effect = impact_of(store, Directory.load().user("finance_controller"))
    assert page.locator("svg rect").count() == len(effect.weeks) == 2
    rows = page.locator("main table").first.locator("tbody tr").all_inner_texts()
    ends = [dt.date.fromisoformat(week.week_ending) for week in effect.weeks]
    assert [" ".join(line.split()[:3]) for line in rows] == [f"{end:%-d %b %Y}" for end in ends]
    assert page.locator("main table").last.locator("tbody tr").count() == len(effect.one_off)
    assert f"{effect.proposals:,} proposals" in page.locator("main").inner_text()
    assert Axe().run(page).violations_count == 0
    sign_in_form = {"user": "store_manager", "password": secret_in(password_file(settings))}
    with httpx.Client(base_url=address) as client:
        client.post("/review/sign-in", data=sign_in_form)
        assert client.get("/review/impact").status_code == 403
        assert "Working capital" not in client.get("/review").text


def test_lineage_is_drawn_and_leads_on(page, address, settings):
    sign_in(page, address, settings, "finance_controller")
    page.goto(f"{address}/review/lineage/metric.gmroi?direction=upstream")
    assert page.locator("svg a").count() > 10
    page.locator("svg a", has_text="fct_inventory_daily").first.click()
    assert page.url.endswith("/review/lineage/model.fct_inventory_daily")
    page.get_by_role("textbox").fill("metric.net_sale")
    page.get_by_role("button", name="Show").click()
    assert "metric.net_sales" in page.content()  # the near miss
