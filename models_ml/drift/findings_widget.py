"""Our findings as a metric of Evidently, so that one report shows both."""

from __future__ import annotations

from evidently.core.datasets import Dataset
from evidently.core.metric_types import SingleValue, SingleValueCalculation, SingleValueMetric
from evidently.core.report import Context
from evidently.legacy.renderers.html_widgets import header_text, table_data

COLUMNS = ["state", "kind", "feature", "segment", "score", "threshold", "finding"]


class Findings(SingleValueMetric):  # type: ignore[misc]
    """Rows of judged results that drifted or whose alert is open; the value is how many alerts are open."""

    rows: list[list[str]] = []  # noqa: RUF012 - a pydantic field


class FindingsCalculation(SingleValueCalculation[Findings]):  # type: ignore[misc]
    """A table of the rows as they are; nothing is computed from the data."""

    def calculate(
        self, context: Context, current_data: Dataset, reference_data: Dataset | None
    ) -> SingleValue:
        alerts = sum(row[0] == "alert" for row in self.metric.rows)
        result = self.result(alerts)
        title = "What monitoring found" if self.metric.rows else "Monitoring found nothing in this week"
        result.widget = [header_text(label=title)]
        if self.metric.rows:
            result.widget.append(
                table_data(column_names=COLUMNS, data=self.metric.rows, title=f"{alerts} open alerts")
            )
        return result

    def display_name(self) -> str:
        return "Open alerts"
