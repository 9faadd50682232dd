"""The clock goes a day back or forth, hours are skipped or repeated, February has 29 days."""

from __future__ import annotations

import datetime as dt
import os
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from api.pipeline.build import build_step, ingest_step, publish_step
from governance.approvals import decide, escalate_due, expire_due, find_recommendation, propose
from governance.approvals.limits import default_limits
from governance.errors import ConflictError, NotAuthenticatedError
from governance.identity import Directory, LocalIssuer, TokenVerifier
from governance.identity.tokens import RemoteKeys
from governance.releases import ReleaseStore
from governance.store import audit
from integrations.errors import TooManyBadRowsError
from integrations.ingest import ingest
from integrations.sources.folder import FolderSource
from tests.faults.kill import answer_of
from tests.faults.scene_decide import proposals, service, store_of
from tests.faults.scene_release import state
from tests.faults.small_shop import open_shop, shop

DAY, TICK = dt.timedelta(days=1), dt.timedelta(microseconds=1)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
SPRING = dt.datetime(2026, 3, 28, 12, tzinfo=BERLIN)  # the day before an hour is skipped
AUTUMN = dt.datetime(2026, 10, 31, 12, tzinfo=NEW_YORK)  # the day before an hour is repeated
LEAP = dt.datetime(2028, 2, 28, 12, tzinfo=dt.UTC)


@pytest.fixture
def store(tmp_path):
    opened = store_of(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("moment", [SPRING, AUTUMN, LEAP], ids=["spring", "autumn", "leap day"])
def test_a_proposal_lives_its_hours_whatever_the_clock_on_the_wall_does(store, moment):
    """Real hours, also where the caller's day has 23 or 25 of them."""
    planner = Directory.load().user("planner_east")
    (one, two) = propose(store, service(), proposals(2), now=moment)
    level = default_limits().at(one.banner, one.region)
    utc = moment.astimezone(dt.UTC)
    assert one.expires_at == utc + dt.timedelta(hours=level.expire_after_hours)
    assert one.escalate_at == utc + dt.timedelta(hours=level.escalate_after_hours)
    assert expire_due(store, now=one.expires_at - TICK) == []
    assert decide(store, planner, "r0", "approve", now=one.expires_at - TICK).state == "approved"
    with pytest.raises(ConflictError, match="expired"):
        decide(store, planner, "r1", "approve", now=two.expires_at.astimezone(NEW_YORK))
    assert expire_due(store, now=two.expires_at.astimezone(BERLIN)) == ["r1"]


def test_what_escalates_does_so_after_real_hours(store):
    (one,) = propose(store, service(), proposals(1), now=SPRING)
    assert escalate_due(store, now=one.escalate_at - TICK) == []
    assert escalate_due(store, now=one.escalate_at.astimezone(BERLIN)) == ["r0"]
    again = find_recommendation(store, "r0").escalate_at
    level = default_limits().at(one.banner, one.region)
    assert again == one.escalate_at + dt.timedelta(hours=level.escalate_after_hours)


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "forth"])
def test_decisions_after_the_clock_has_jumped_a_day(store, jump):
    """Back: what was proposed "tomorrow" can be decided on. Either way the audit holds, in order of seq."""
    now, planner = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC), Directory.load().user("planner_east")
    propose(store, service(), proposals(2), now=now)
    life = find_recommendation(store, "r0").expires_at - now
    if jump < life:
        assert decide(store, planner, "r0", "approve", now=now + jump).state == "approved"
    assert decide(store, planner, "r1", "approve", now=now).state == "approved"
    report = audit.verify(store)
    assert report.holds
    seqs = [row["seq"] for row in audit.read(store).items]
    assert seqs == sorted(seqs, reverse=True)


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "forth"])
def test_tokens_and_clocks_that_disagree(tmp_path, jump):
    """By up to the leeway they are one clock; by a day the token is refused, and holds again afterwards."""
    now = dt.datetime(2028, 2, 29, 23, 59, tzinfo=dt.UTC)
    directory = Directory.load()
    issuer = LocalIssuer(tmp_path / "keys")
    token = issuer.issue("planner_east", now=now)
    verify = TokenVerifier(
        issuer=issuer.issuer, audience=issuer.audience, keys=issuer.jwks(), directory=directory
    ).verify
    leeway = dt.timedelta(seconds=30)
    assert verify(token, now=now - leeway).user == "planner_east"
    for at in (now - leeway - dt.timedelta(seconds=1), now + jump):
        with pytest.raises(NotAuthenticatedError):
            verify(token, now=at)
    assert verify(token, now=now).user == "planner_east"


def test_new_keys_are_fetched_although_the_clock_went_back():
    """Else every token of a key that is new since would be refused for the rest of the day."""
    fetched = []
    keys = RemoteKeys(lambda: fetched.append(1) or {"keys": [{"kid": f"k{len(fetched)}"}]})
    now = dt.datetime(2026, 1, 5, 9, tzinfo=dt.UTC)
    keys("k1", now)
    assert keys("k2", now - DAY)["keys"] == [{"kid": "k2"}]
    keys("k3", now - DAY)
    assert len(fetched) == 2  # still at most one a minute


def test_releases_keep_their_order_when_the_clock_goes_back(tmp_path, monkeypatch):
    """Roll back goes to the release before, not to the one whose clock was smaller."""
    store, now = ReleaseStore(tmp_path), dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
    built = []
    for number, moment in enumerate((now, now, now - DAY, now + DAY)):
        clock = SimpleNamespace(now=lambda zone, moment=moment: moment, strptime=dt.datetime.strptime,
                                min=dt.datetime.min)  # fmt: skip
        monkeypatch.setattr("governance.releases.publish.datetime", clock)
        with store.building(str(number) * 64) as work:
            (work / "warehouse.duckdb").write_text(str(number))
        built.append(store.ids()[-1])
        store.publish(built[-1])
    assert built == sorted(set(built)) and len(built) == 4
    assert [store.rollback().release_id for _ in range(3)] == built[2::-1]


def test_sales_of_today_under_a_clock_a_day_behind_are_refused_whole_not_lost(tmp_path):
    """They lie in its future. Once the clock is right the same delivery lands, every row of it."""
    open_shop(tmp_path)
    today = dt.date(2025, 1, 5)
    _keep_day(tmp_path / "in" / "sales_lines" / "all.csv", today)
    bring = partial(ingest, FolderSource(tmp_path / "in"), tmp_path / "landing", tmp_path / "quarantine")
    with pytest.raises(TooManyBadRowsError):
        bring(as_of=today - DAY)
    assert bring(as_of=today).tables["sales_lines"].rows_quarantined == 0
    assert not bring(as_of=today + DAY).changed


def _keep_day(path: Path, day: dt.date) -> None:
    """Every sale of the file becomes one of noon of that day."""
    header, *rows = path.read_text().splitlines()
    at = header.split(",").index("sold_at")
    moved = []
    for row in rows:
        fields = row.split(",")
        fields[at], fields[at + 1] = f"{day} 12:00:00", f"{day}"
        moved.append(",".join(fields))
    path.write_text("\n".join([header, *moved]) + "\n")


MOMENTS = [
    "2024-02-29 23:59:59",  # a leap day's last second
    "2025-03-09 02:30:00",  # does not exist in New York
    "2025-03-30 02:30:00",  # nor this one in Berlin
    "2025-11-02 01:30:00",  # exists twice in New York
    "2024-12-31 23:30:00",
]


def test_the_zone_of_the_machine_moves_no_sale(tmp_path):
    """Moments are UTC and days the retailer's: marts are equal in every zone."""
    seen = {}
    for zone in ("America/New_York", "Pacific/Kiritimati"):
        root = tmp_path / "here"
        seen[zone] = answer_of(_released_in, root, zone)
        root.rename(tmp_path / zone.replace("/", "-"))
    marts = seen["America/New_York"]["releases"][0]["rows"]
    moments = {str(row[2]) for row in marts["fct_sales"]}
    assert moments >= set(MOMENTS)
    assert dt.date(2024, 2, 29) in {row[0] for row in marts["fct_by_day"]}
    assert seen["Pacific/Kiritimati"]["releases"][0]["rows"] == marts


def _released_in(root: Path, zone: str):
    os.environ["TZ"] = zone
    time.tzset()
    open_shop(root)
    path = root / "in" / "sales_lines" / "all.csv"
    header, *rows = path.read_text().splitlines()
    at = header.split(",").index("sold_at")
    for i, moment in enumerate(MOMENTS):
        fields = rows[i].split(",")
        fields[at], fields[at + 1] = moment, moment[:10]
        rows[i] = ",".join(fields)
    path.write_text("\n".join([header, *rows]) + "\n")
    for step in (ingest_step, build_step, publish_step):
        step(shop(root), lambda *what: None)
    return state(root)
