"""Dashboards inside another site: a guest is the person, on one dashboard and one release."""

import datetime as dt
from pathlib import Path

import httpx
import jwt
import pytest
import requests

from tests.browser import window
from tests.dashboards.host import guest_token, hosting, page_with
from tests.dashboards.page import CHART, ERROR, TILE, tiles, wait_until_drawn
from tests.dashboards.site import token


@pytest.fixture(scope="module")
def host(site):
    with hosting(site, site.host_port) as pages:
        yield pages


def embedded(browser, site, host, user, page=None):
    """The page of the host, and the frame in it with the dashboard drawn."""
    host[f"/{user}"] = page_with(site, guest_token(site, user, "stock").json())
    page = page or window(browser, viewport={"width": 1500, "height": 3900})
    page.goto(f"{site.host_url}/{user}")
    page.frame_locator("#board").locator(CHART).first.wait_for()
    frame = next(one for one in page.frames if "/embedded/" in one.url)
    wait_until_drawn(frame)
    return page, frame


def guest(token_text):
    """Superset over HTTP, with nothing but a guest's token."""
    session = requests.Session()
    session.trust_env = False
    session.headers["X-GuestToken"] = token_text
    return session


def forged(site, **claims):
    """A token as the API makes them, with other claims; signed with the right key where none is given."""
    key = claims.pop("key", (site.dashboards.home / "guest_secret").read_text().strip())
    good = jwt.decode(
        guest_token(site, "planner_east", "stock").json()["token"], options={"verify_signature": False}
    )
    return jwt.encode(good | claims, key, algorithm="HS256")


def chart_of(site, session, title, **changed):
    """One chart of the stock dashboard, asked as the dashboard asks it, with what is changed."""
    charts = session.get(f"{site.url}/api/v1/dashboard/stock/charts").json()["result"]
    chart = next(row for row in charts if row["slice_name"] == title)
    dashboard_id = session.get(f"{site.url}/api/v1/dashboard/stock").json()["result"]["id"]
    metric = chart["form_data"]["metric"]
    query = {"metrics": [metric], "columns": [], "filters": [], "row_limit": 10, "extras": {}}
    form = {"slice_id": chart["id"], "dashboardId": dashboard_id, "metric": metric}
    return session.post(
        f"{site.url}/api/v1/chart/data",
        json={
            "datasource": {"id": 1, "type": "table"},
            "queries": [query | changed.pop("query", {})],
            "form_data": form | changed.pop("form", {}),
            "result_format": "json",
            "result_type": "full",
        }
        | changed,
    )


def number(answer):
    assert answer.ok, answer.text
    ((value,),) = [list(row.values()) for row in answer.json()["result"][0]["data"]]
    return value


def test_two_guests_one_after_the_other_see_their_own(browser, site, host):
    """Cache on, in one browser; each guest's tiles are those of the person signed in to Superset itself."""
    seen, page = {}, None
    for user in ("executive", "planner_east", "executive"):
        page, frame = embedded(browser, site, host, user, page=page)
        assert frame.locator(ERROR).all_inner_texts() == []
        numbers = tiles(frame)
        assert len(numbers) == frame.locator(TILE).count() >= 8
        assert seen.setdefault(user, numbers) == numbers
    page.context.close()
    differing = [title for title, text in seen["executive"].items() if seen["planner_east"][title] != text]
    assert len(differing) >= 5


@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_guests_cached_answer_is_their_own(site, form):
    """By counting: the second look of a guest asks nothing, the first look of another asks again."""
    values = {}
    for user in ("executive", "planner_east", "store_manager"):
        session = guest(guest_token(site, user, "stock").json()["token"])
        before = site.queries()
        first = chart_of(site, session, "Lost sales, value", result_format=form, query={"row_limit": 11})
        middle = site.queries()
        again = chart_of(site, session, "Lost sales, value", result_format=form, query={"row_limit": 11})
        assert first.ok, first.text
        assert again.ok, again.text
        asked = (middle - before, site.queries() - middle)
        values[user] = first.text if form == "csv" else number(first)
        assert (again.text if form == "csv" else number(again)) == values[user]
        assert asked[1] == 0, asked
        if form == "json":  # a download shares the answer that the chart brought
            assert asked[0] >= 1, asked
            ((own_value,),) = site.metric_query(user, ["lost_sales_value"])
            assert values[user] == pytest.approx(own_value)
    assert len(set(values.values())) == 3


def test_a_guest_reads_the_release_of_their_token(site):
    """A publish in between: the old token's answers stay cached, a new token asks the new release."""
    from governance.releases import ReleaseStore
    from tests.dashboards.test_readers_apart import another

    store = ReleaseStore(site.settings.var_dir)
    first = store.current_id()
    old = guest(guest_token(site, "executive", "stock").json()["token"])
    before = number(chart_of(site, old, "Fill rate"))
    store.publish(another(store, first))
    try:
        asked = site.queries()
        assert number(chart_of(site, old, "Fill rate")) == before
        assert site.queries() == asked
        guest_answer = guest_token(site, "executive", "stock").json()
        assert guest_answer["release"] == store.current_id() != first
        assert number(chart_of(site, guest(guest_answer["token"]), "Fill rate")) == before
        assert site.queries() > asked
    finally:
        store.publish(first)


def test_a_guest_is_bound_by_the_rights_of_the_person(site):
    """Superset lets a guest bend a chart's question; the API answers what the person may see, and no more."""
    session = guest(guest_token(site, "store_manager", "stock").json()["token"])
    refused = chart_of(site, session, "Fill rate", query={"metrics": ["gross_margin"]})
    assert refused.status_code == 400
    assert "gross_margin is not open to your role" in refused.text
    bent = chart_of(site, session, "Fill rate", query={"columns": ["location__store"], "row_limit": 1000})
    assert bent.ok, bent.text
    charted = {row["location__store"]: row["fill_rate"] for row in bent.json()["result"][0]["data"]}
    own_value = dict(site.metric_query("store_manager", ["fill_rate"], group_by=["location__store"]))
    everyones = dict(site.metric_query("executive", ["fill_rate"], group_by=["location__store"]))
    assert charted == {store: pytest.approx(rate) for store, rate in own_value.items()}
    assert len(charted) < len(everyones)


def test_a_guest_reaches_nothing_but_the_charts_of_the_dashboard(site):
    session = guest(guest_token(site, "executive", "stock").json()["token"])
    samples = f"{site.url}/datasource/samples?datasource_id=1&datasource_type=table"
    before = site.queries()
    for asked in (
        chart_of(site, session, "Fill rate", form={"dashboardId": 99_999}),
        chart_of(site, session, "Fill rate", form={"slice_id": 99_999}),
        site.chart(session, ["net_sales"]),
        site.sql_lab(session, "SELECT MEASURE(net_sales) FROM metrics"),
        session.get(f"{site.url}/api/v1/dashboard/executive/charts"),
        session.get(f"{site.url}/api/v1/dataset/1"),
        session.get(f"{site.url}/api/v1/database/"),
        session.get(f"{site.url}/api/v1/security/users/"),
        session.post(samples, json={}),
    ):
        assert asked.status_code in {400, 401, 403, 404}, (asked.request.url, asked.text[:300])
    assert site.queries() == before


def test_the_administrator_of_superset_cannot_make_a_guest(site):
    """Whoever could name the guest of a token could look as anybody."""
    resource = jwt.decode(
        guest_token(site, "executive", "stock").json()["token"], options={"verify_signature": False}
    )["resources"]
    answer = site.sign_in("admin").post(
        f"{site.url}/api/v1/security/guest_token/",
        json={"user": {"username": "executive"}, "resources": resource, "rls": []},
    )
    assert answer.status_code == 400
    assert "token" not in answer.json()


def test_a_token_that_the_api_did_not_make_opens_nothing(site):
    past = int(dt.datetime.now(dt.UTC).timestamp()) - 10
    before = site.queries()
    for wrong in (
        forged(site, key="0" * 48),
        forged(site, key="0" * 48, user={"username": "executive"}),
        forged(site, exp=past),
        forged(site, aud="superset"),
        forged(site, type="other"),
        forged(site, user=None),
        "nonsense",
        "",
    ):
        answer = guest(wrong).get(f"{site.url}/api/v1/dashboard/stock/charts")
        assert answer.status_code in {401, 403, 404}, (wrong, answer.text[:200])
    assert site.queries() == before


def test_two_people_in_one_request_see_nothing(site):
    """Somebody has signed in to Superset in the browser in which the dashboard is shown for another."""
    session = site.sign_in("executive")
    session.headers["X-GuestToken"] = guest_token(site, "planner_east", "stock").json()["token"]
    answer = session.get(f"{site.url}/api/v1/dashboard/stock/charts")
    assert answer.status_code == 401
    assert "Load the page again" in answer.text


def test_other_sites_may_not_show_it(site):
    """Who may is in the answer's headers, for the browser, and looked up in the referrer."""
    url = guest_token(site, "executive", "stock").json()["embed_url"]
    allowed = requests.get(url, headers={"Referer": f"{site.host_url}/page"}, timeout=30)
    assert allowed.ok
    assert f"frame-ancestors 'self' {site.host_url}" in allowed.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in allowed.headers
    assert requests.get(url, headers={"Referer": "http://evil.example/"}, timeout=30).status_code == 403


@pytest.mark.parametrize(
    ("user", "slug", "status"),
    [
        ("store_manager", "executive", 404),
        ("integrator", "stock", 404),
        ("executive", "nowhere", 404),
        ("store_manager", "stock", 200),
    ],
)
def test_a_token_is_made_for_whom_the_dashboard_is_for(site, user, slug, status):
    assert guest_token(site, user, slug).status_code == status


def test_a_service_cannot_have_a_token_made_for_somebody(site):
    key = Path(site.dashboards.environment()["STEELYARD_SERVICE_KEY_FILE"]).read_text().strip()
    answer = httpx.post(
        f"{site.dashboards.api_url}/v1/dashboards/stock/guest-token",
        headers={"Authorization": f"Bearer {key}", "Steelyard-On-Behalf-Of": "executive"},
    )
    assert answer.status_code == 403


def test_each_token_is_in_the_audit(site):
    guest_answer = guest_token(site, "executive", "stock").json()
    answer = httpx.get(
        f"{site.dashboards.api_url}/v1/audit",
        params={"object_id": "dashboard.stock", "limit": 1},
        headers={"Authorization": f"Bearer {token(site, 'auditor')}"},
    )
    (row,) = answer.json()["items"]
    assert (row["action"], row["actor"]) == ("dashboard.embed", "executive")
    assert row["after"] == {"release": guest_answer["release"]}


def test_embedding_is_off_unless_a_site_is_named(site):
    from api.auth.embedding import guest_token as made_by_the_api
    from governance.errors import ForbiddenError

    off = site.settings.model_copy(update={"superset_embed_domains": ""})
    directory = site.dashboards.services.directory
    with pytest.raises(ForbiddenError, match="not shown inside other sites"):
        made_by_the_api(
            off, directory, directory.user("executive"), "stock", "r1", now=dt.datetime.now(dt.UTC)
        )
