"""`steelyard release diff` on the demo's release."""

import pytest

from api.cli.release_diff import by_month
from api.services.metric_service import MetricService
from governance.releases import ReleaseStore


def test_the_months_it_compares_are_the_warehouse_s(settings, warehouse):
    releases = ReleaseStore(settings.var_dir)
    service = MetricService(releases, settings)
    months = by_month(service)(releases.current_id(), "net_sales")
    service.close()
    rows = warehouse.execute(
        "select strftime(date_trunc('month', date_day), '%Y-%m-%d'), sum(net_sales)::double "
        "from fct_sales_lines group by 1"
    ).fetchall()
    assert len(rows) >= 12
    assert months == pytest.approx(dict(rows))


def test_a_release_and_itself(cli, settings):
    ours = ReleaseStore(settings.var_dir).current_id()
    diff = cli.answer("release", "diff", ours, ours)
    assert (diff["kpis"], diff["models"], diff["reaches"], diff["moved"]) == ([], [], [], [])
    assert diff["compared"] > 40


def test_an_unknown_release_is_told_with_the_near_miss(cli, settings):
    ours = ReleaseStore(settings.var_dir).current_id()
    status, _, err = cli("release", "diff", ours[:-1] + "x", ours, as_json=False)
    assert status == 1
    assert f"Did you mean {ours}" in err
