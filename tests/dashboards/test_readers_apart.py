"""Through Superset as through the API: each reader their own numbers, cached or not, and nothing else."""

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

PERIOD = "2017-10-01 : 2018-01-01"
USERS = ("executive", "planner_east", "store_manager")


def rows(answer):
    assert answer.ok, answer.text
    return answer.json()["result"][0]["data"]


@pytest.mark.parametrize("user", USERS)
def test_a_chart_is_the_metric_query_of_the_reader(site, user):
    charted = rows(site.chart(site.sign_in(user), ["net_sales", "units_sold"], columns=["location__region"]))
    expected = site.metric_query(user, ["net_sales", "units_sold"], group_by=["location__region"])
    assert {r["location__region"]: (r["net_sales"], r["units_sold"]) for r in charted} == {
        region: (pytest.approx(sales), units) for region, sales, units in expected
    }


@pytest.mark.parametrize("as_csv", [False, True])
def test_a_cached_answer_is_its_readers_own(site, as_csv):
    """The second look of the same reader asks nothing; the first look of another asks again."""
    answers, counts = {}, {}
    for user in USERS:
        session, before = site.sign_in(user), site.queries()
        metrics = ["net_sales", "units_sold" if as_csv else "baskets"]  # a download shares the chart's answer
        first = site.chart(session, metrics, time_range=PERIOD, as_csv=as_csv)
        middle = site.queries()
        second = site.chart(session, metrics, time_range=PERIOD, as_csv=as_csv)
        assert first.ok and second.ok
        answers[user] = first.text if as_csv else rows(first)
        assert (second.text if as_csv else rows(second)) == answers[user]
        counts[user] = (_data_queries(middle - before), _data_queries(site.queries() - middle))
    assert len({json.dumps(answer) for answer in answers.values()}) == len(USERS)
    assert all(first >= 1 for first, _ in counts.values()), counts
    assert all(second <= 1 for _, second in counts.values()), counts


def _data_queries(count):
    """Each request first asks which release is published: that one touches no data."""
    return count - 1 if count else 0


def test_the_older_chart_endpoint_keeps_readers_apart_too(site):
    """Superset's own flags do not divide this one's cache."""
    form = {
        "datasource": "1__table",
        "viz_type": "cal_heatmap",
        "metrics": ["net_sales"],
        "granularity_sqla": "metric_time",
        "domain_granularity": "month",
        "subdomain_granularity": "day",
        "time_range": "2017-10-02 : 2017-10-04",
    }
    seen = {}
    for user in ("executive", "planner_east", "executive", "planner_east"):
        answer = site.sign_in(user).post(
            f"{site.url}/superset/explore_json/", data={"form_data": json.dumps(form)}
        )
        assert answer.ok, answer.text
        numbers = json.dumps(answer.json()["data"]["data"], sort_keys=True)
        assert seen.setdefault(user, numbers) == numbers
    assert seen["executive"] != seen["planner_east"]


def test_filter_values_are_those_that_the_reader_may_see(site):
    charted = {
        user: {
            r["location__region"]
            for r in rows(site.chart(site.sign_in(user), [], columns=["location__region"]))
        }
        for user in ("executive", "planner_east")
    }
    assert charted == {"executive": {"East", "North", "South", "West"}, "planner_east": {"East"}}


def test_what_is_not_open_is_a_sentence_without_sql(site):
    answer = site.chart(site.sign_in("store_manager"), ["gross_margin"])
    assert not answer.ok
    assert "gross_margin is not open to your role, or is no longer defined." in answer.text
    assert "SELECT" not in answer.text
    assert "fct_" not in answer.text


def test_the_administrator_of_superset_sees_no_numbers(site):
    session = site.sign_in("admin")
    before = site.queries()
    assert not site.chart(session, ["net_sales"]).ok
    assert not site.sql_lab(session, "SELECT MEASURE(net_sales) FROM metrics").ok
    assert site.queries() == before


def test_the_administrator_cannot_speak_for_somebody(site):
    """Every field of the connection form that could name a person, one after the other."""
    session = site.sign_in("admin")
    database = f"{site.url}/api/v1/database/"
    for uri, extra, impersonate in (
        ("steelyard://executive@", {}, True),
        ("steelyard://", {"engine_params": {"connect_args": {"end_user": "executive"}}}, True),
        ("steelyard://", {"engine_params": {"connect_args": {"end_user": "executive"}}}, False),
        ("steelyard://?user=executive", {}, False),
        ("steelyard://elsewhere.example:80/", {}, True),
    ):
        body = {
            "database_name": f"mine {uri} {impersonate} {bool(extra)}",
            "sqlalchemy_uri": uri,
            "impersonate_user": impersonate,
            "extra": json.dumps(extra),
        }
        created = session.post(database, json=body)
        if created.ok:
            number = created.json()["id"]
            query = {"database_id": number, "sql": "SELECT MEASURE(net_sales) FROM metrics"}
            answer = session.post(
                f"{site.url}/api/v1/sqllab/execute/",
                json=query | {"client_id": f"c{number}", "runAsync": False},
            )
            session.delete(f"{database}{number}")
            assert not answer.ok, body


def test_sql_lab_answers_what_is_governed(site):
    answer = site.sql_lab(
        site.sign_in("analytics_engineer"),
        "SELECT location__region, MEASURE(net_sales) AS n FROM metrics GROUP BY ALL ORDER BY 1",
    )
    assert answer.ok, answer.text
    expected = site.metric_query(
        "analytics_engineer", ["net_sales"], group_by=["location__region"], order_by=["location__region"]
    )
    assert [tuple(row.values()) for row in answer.json()["data"]] == [
        (r, pytest.approx(n)) for r, n in expected
    ]


def test_a_shared_cache_shows_no_numbers(site):
    """Where the data cache is not divided, or unknown, the engine spec refuses before it connects."""
    script = (
        "from superset.app import create_app; app = create_app();\n"
        "with app.app_context():\n"
        "    from flask_caching.backends import SimpleCache\n"
        "    from superset.extensions import cache_manager\n"
        "    from superset_steelyard.engine_spec import refuse_shared_cache\n"
        "    refuse_shared_cache()\n"
        "    app.extensions['cache'][cache_manager.data_cache] = SimpleCache()\n"
        "    try: refuse_shared_cache(); print('SHARED')\n"
        "    except Exception as refused: print('REFUSED', refused)\n"
    )
    done = subprocess.run(
        [str(site.dashboards.python), "-c", script],
        env=site.dashboards.environment() | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "REFUSED Superset's data cache is shared between readers" in done.stdout, done.stderr[-2000:]


def test_a_publish_under_load_breaks_no_chart_and_mixes_no_releases(site):
    """200 chart queries at once on pages opened before, during and after; each page reads one release."""
    from governance.releases import ReleaseStore

    store = ReleaseStore(site.settings.var_dir)
    first = store.current_id()
    second = another(store, first)
    sessions = [site.sign_in(user) for user in ("executive", "planner_east") for _ in range(4)]
    pages = threading.Barrier(len(sessions) + 1)

    def look(number):
        session = sessions[number]
        assert session.get(f"{site.url}/api/v1/dashboard/executive/charts").ok
        pages.wait()
        pinned = _release_of(site, session)
        answers = [
            site.chart(
                session,
                ["net_sales"],
                columns=["location__region"],
                time_range=f"2017-01-01 : 2017-{m:02}-28",
            )
            for m in [*range(2, 13), *range(2, 13), 11, 12, 12]
        ]
        assert _release_of(site, session) == pinned
        return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(len(sessions)) as pool:
        looking = [pool.submit(look, number) for number in range(len(sessions))]
        pages.wait()
        store.publish(second)
        store.publish(first)
        store.publish(second)
        codes = [code for done in looking for code in done.result()]
    store.publish(first)
    assert len(codes) == 200
    assert set(codes) == {200}


def another(store, release_id):
    """The same release under another name, as a rebuild without changes would be."""
    import shutil

    source, name = store.get(release_id).path, f"{release_id[:15]}-ffffffff"
    target = store.folder / name
    if not target.exists():
        shutil.copytree(source, target)
        seal = json.loads((target / "release.json").read_text())
        (target / "release.json").write_text(json.dumps(seal | {"release_id": name}))
    return name


def _release_of(site, session):
    """The release that the session's page is pinned to, from Superset's signed cookie."""
    import base64
    import zlib

    cookie = session.cookies["steelyard_superset"]
    packed = cookie.startswith(".")
    payload = cookie.lstrip(".").split(".")[0]
    raw = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    return json.loads(zlib.decompress(raw) if packed else raw)["steelyard_release"][0]
