"""dbt knows what each dashboard shows."""

import yaml

from dashboards.superset_steelyard.exposures import FILE, defined_metrics, exposures
from tests.conftest import ROOT


def test_the_projects_file_is_what_the_specs_say(specs):
    """`steelyard dashboard exposures` brings it up to date."""
    project = ROOT / "dbt_project"
    assert (project / FILE).read_text() == exposures(specs, defined_metrics(project))


def test_a_dashboard_depends_on_the_metrics_of_its_charts_that_exist(specs):
    entries = yaml.safe_load(exposures(specs, {"net_sales", "gross_margin"}))["exposures"]
    named = {one["name"]: one for one in entries}
    assert named["dashboard_executive"]["depends_on"] == ["metric('gross_margin')", "metric('net_sales')"]
    assert named["chart_executive__margin_by_department"]["depends_on"] == ["metric('gross_margin')"]
    assert "dashboard_stock" not in named
