"""As in production: metadata in PostgreSQL, cache in Redis, several workers; made again from nothing."""

import io
import json
import os
import shutil
import socket
import subprocess
import zipfile

import pytest
import yaml

from api.servers.superset import Dashboards
from tests.dashboards.site import Site, free_port, start, wait
from tests.postgres import Cluster
from tests.services import redis_server

_NUMBERED = {
    "chartId",
    "datasetId",
    "id",
    "slice_id",
    "datasource",
    "dashboards",
    "chartsInScope",
    "excluded",
}


@pytest.fixture(scope="module")
def metadata():
    cluster = Cluster()
    try:
        cluster.start()
        yield cluster.url.replace("+psycopg:", "+psycopg2:")
    finally:
        cluster.remove()


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """The port of a server of its own."""
    port, log = free_port(), tmp_path_factory.mktemp("redis") / "log"
    process = start([str(redis_server()), "--port", str(port), "--save", "", "--bind", "127.0.0.1"], {}, log)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def again(site, metadata, redis, tmp_path_factory):
    """Another Superset on the same API: it remembers what it made, and finds its metadata gone."""
    home = tmp_path_factory.mktemp("home")
    for name in ("secret_key", "guest_secret", "provisioned.json", "people.json"):
        shutil.copy(site.dashboards.home / name, home / name)
    settings = site.settings.model_copy(update={"superset_port": free_port(), "superset_workers": 2})
    dashboards = Dashboards(settings, site.dashboards.services)
    environment = dashboards.environment() | {
        "STEELYARD_SUPERSET_HOME": str(home),
        "SUPERSET_DATABASE_URL": metadata,
        "SUPERSET_REDIS_URL": f"redis://127.0.0.1:{redis}/1",
    }
    second_site = Site(settings, dashboards, site.logs, site.host_port)
    report = provision(second_site, environment)
    log = home / "superset.log"
    process = start(dashboards.command(), environment, log)
    try:
        wait(f"{second_site.url}/health", process, log)
        yield second_site, report
    finally:
        process.terminate()
        process.wait(20)


def provision(site, environment):
    """What `steelyard dashboard sync` runs, with this installation's environment."""
    people = f"{environment['STEELYARD_SUPERSET_HOME']}/people.json"
    command = [str(site.dashboards.python), "-m", "superset_steelyard.provision", "--people", people]
    done = subprocess.run(
        [*command, "--site", site.dashboards.api_url],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def exported(site):
    """Dashboards, charts, dataset and database as Superset exports them: by names that stay, without ids."""
    session = site.sign_in("admin")
    rows = session.get(f"{site.url}/api/v1/dashboard/").json()["result"]
    ids = ",".join(str(row["id"]) for row in rows)
    packed = session.get(f"{site.url}/api/v1/dashboard/export/?q=!({ids})")
    assert packed.ok, packed.text
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        contents = [yaml.safe_load(archive.read(name)) for name in archive.namelist()]
    by_uuid = {content["uuid"]: content for content in contents if "uuid" in content}
    return {uuid: without_numbers(content) for uuid, content in by_uuid.items()}


def without_numbers(content):
    """Numbers of rows differ between installations; what they stand for is named by uuid beside them."""
    if isinstance(content, dict):
        stable = {k: v for k, v in content.items() if k not in _NUMBERED and not str(k).isdigit()}
        return {k: without_numbers(v) for k, v in stable.items()}
    return [without_numbers(one) for one in content] if isinstance(content, list) else content


def test_metadata_that_was_deleted_is_made_again(site, again):
    """The same five dashboards, chart for chart and filter for filter, in another database."""
    second_site, report = again
    assert report["changed"]
    before, after = exported(site), exported(second_site)
    assert len(before) >= 80
    assert before.keys() == after.keys()
    assert before == after


def test_the_cache_of_several_workers_keeps_readers_apart(again, redis):
    """By counting: another reader's first look asks again, their second does not, whichever worker it is."""
    second_site, _ = again
    seen = {}
    for user in ("executive", "planner_east", "store_manager"):
        session, before = second_site.sign_in(user), second_site.queries()
        ((value,),) = second_site.metric_query(user, ["net_sales"])
        looks = [second_site.chart(session, ["net_sales"]).json()["result"][0]["data"] for _ in range(6)]
        seen[user] = looks[0][0]["net_sales"]
        assert all(look == looks[0] for look in looks)
        assert seen[user] == pytest.approx(value)
        asked = second_site.queries() - before
        assert 2 <= asked <= 1 + len(looks), asked  # one for the data; one for each request's release
    assert len(set(seen.values())) == 3
    assert kept_in(redis) >= 3


def kept_in(port):
    """Entries of the data cache."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
        wire.sendall(b"SELECT 1\r\nDBSIZE\r\n")
        answer = wire.makefile("rb")
        assert answer.readline() == b"+OK\r\n"
        return int(answer.readline().lstrip(b":"))
