"""`/v1/metrics` says what a metric without data waits for, as the last run of the pipeline found it."""

import pytest

from api.services.capabilities import Capabilities, write_capabilities


@pytest.fixture
def waiting(settings, release_dir):
    """A run over the published release that lacked snapshots of stock."""
    needs = {"inventory_turns": ["inventory_snapshots"]}
    run = Capabilities(release_id=release_dir.name, capabilities=[], metrics=needs, unlocks=[])
    write_capabilities(settings, run)
    yield
    (settings.var_dir / "pipeline" / "capabilities.json").unlink()


def test_a_metric_names_the_table_that_it_waits_for(client, sign_in, waiting, release_dir):
    headers = sign_in("executive")
    rows = client.get("/v1/metrics", headers=headers).json()["items"]
    assert {row["name"]: row["waits_for"] for row in rows if row["waits_for"]} == {
        "inventory_turns": ["inventory_snapshots"]
    }
    one = client.get(f"/v1/metrics/inventory_turns?release={release_dir.name}", headers=headers).json()
    assert one["waits_for"] == ["inventory_snapshots"]


def test_before_the_first_run_nothing_is_said(client, sign_in):
    rows = client.get("/v1/metrics", headers=sign_in("executive")).json()["items"]
    assert rows and not any(row["waits_for"] for row in rows)
