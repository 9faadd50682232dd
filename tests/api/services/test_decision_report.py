"""The report finds the fault that was planted, and nothing where nothing is wrong."""

from __future__ import annotations

import json

import pytest

from api.services.decision_report import decision_report

KIND = {
    "decisions_measured": 100, "margin_impact_realised": 50.0, "judgement_margin_realised": 0.0,
    "service_impact_realised": 0.01, "working_capital_impact_realised": -20.0, "outcome_turns_decided": 9.0,
    "outcome_turns_baseline": 8.0,
}  # fmt: skip
HABIT = {
    "decisions_by_people": 100, "acceptance_rate": 0.8, "override_rate": 0.1, "rejection_rate": 0.05,
    "decision_cycle_time_hours": 5.0, "decision_cycle_time_p90_hours": 20.0,
}  # fmt: skip


class Metrics:
    """Answers with one row a grouping, its numbers as planted."""

    def __init__(self, *, simulated=False, **planted):
        self.simulated, self.planted = simulated, planted

    def answer(self, query, reader):
        (group,) = query.group_by
        value = (
            "space" if group.endswith("reason_code") else "ann" if group.endswith("decided_by") else "approve"
        )
        if group.endswith("is_simulated"):
            value = group.startswith("decision_outcome") and self.simulated
        row = {group: value, **KIND, **HABIT, **self.planted}
        names = [group, *query.metrics]
        return Answer(
            {"columns": [{"name": n} for n in names], "rows": [[row[n] for n in names]], "release": "r"}
        )


class Answer:
    def __init__(self, body):
        self.as_dict = lambda: body


@pytest.mark.parametrize(("planted", "fault"), [
    ({}, []),
    ({"margin_impact_realised": -50.0}, ["model"]),
    ({"judgement_margin_realised": 40.0}, ["model"]),
    ({"override_rate": 0.4, "judgement_margin_realised": -40.0}, ["explanation"]),
    ({"acceptance_rate": 0.97, "override_rate": 0.02, "rejection_rate": 0.01}, ["policy"]),
    ({"margin_impact_realised": -50.0, "decisions_measured": 3, "decisions_by_people": 3}, []),
])  # fmt: skip
def test_the_fault_is_named(planted, fault):
    assert [finding.fault for finding in decision_report(Metrics(**planted), None).findings] == fault


@pytest.mark.parametrize("simulated", [True, False])
def test_it_is_simulated_where_a_decision_is(simulated):
    assert decision_report(Metrics(simulated=simulated), None).is_simulated is simulated


def test_the_command_reports_what_the_metrics_say(cli):
    report = cli.answer("recommendation", "report")
    asked = cli.answer(
        "metric", "query", "-m", "judgement_margin_realised", "-g", "decision_outcome__decided_by"
    )
    people = {row["decided_by"]: row["judgement_margin_realised"] for row in report["by_person"]}
    assert people == pytest.approx({who: float(value) for who, value in asked["rows"]}) and people
    assert report["is_simulated"] is True
    assert json.dumps(report["findings"])
