"""Who was right: what people did with proposals, what came of it, and which part is at fault.

Read from the governed metrics, so a reader's own rows and entitlements hold. Realised figures replay recorded
demand; they are simulated if their data are, and say so.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field

from api.services.former_names import FINDING, with_former_names
from api.services.metric_service import MetricService
from governance.errors import ForbiddenError
from governance.identity import Principal
from governance.policy.authorize import sees_margin
from semantic import MetricQuery

OUTCOMES = (
    *("decisions_measured", "margin_impact_realised", "judgement_margin_realised", "service_impact_realised"),
    *("working_capital_impact_realised", "outcome_turns_decided", "outcome_turns_baseline"),
)
HABITS = (
    *("decisions_by_people", "acceptance_rate", "override_rate", "rejection_rate"),
    *("decision_cycle_time_hours", "decision_cycle_time_p90_hours"),
)
_FEWEST = 10  # fewer decisions than this prove nothing about anybody
_LEAST_MONEY = 0.03  # a decision, on average: less is noise
_ALWAYS_ACCEPTED = 0.9
_OFTEN_OVERRULED = 0.15
Figures = dict[str, Any]
"""A group, under its short name, and its figures by metric; NULL as None."""
AUTOMATIC = "policy"


@dataclass(frozen=True)
class Finding:
    """`fault`: model, explanation or policy. `subject`: whom it is about; `margin`: the evidence."""

    fault: str
    subject: str
    decisions: int
    margin: float
    sentence: Annotated[str, Field(alias="words")]


@dataclass(frozen=True)
class DecisionReport:
    """Rows by kind of decision, by person and by reason, and what follows from them.

    `is_simulated`: at least one of the decisions, or what it was measured on, is.
    """

    release: str
    is_simulated: bool
    by_kind: list[Figures]
    by_person: list[Figures]
    by_reason: list[Figures]
    findings: list[Finding]

    def as_dict(self) -> dict[str, object]:
        """JSON-ready form."""
        plain = asdict(self)
        return plain | {"findings": [_by_public_name(finding) for finding in plain["findings"]]}


def _by_public_name(finding: dict[str, object]) -> dict[str, object]:
    """The finding's sentence is called `words` in JSON."""
    named = {"words" if name == "sentence" else name: value for name, value in finding.items()}
    return with_former_names(named, FINDING)


def decision_report(metrics: MetricService, reader: Principal | None) -> DecisionReport:
    """The report over everything decided. Raises ForbiddenError for readers to whom margin is not shown."""
    if reader is not None and not sees_margin(reader):
        raise ForbiddenError(f"{reader.user!r} ({reader.role}) may not see what decisions brought.")
    release, by_kind = _rows(metrics, reader, OUTCOMES, "decision_outcome__decision_kind")
    _, outcomes = _rows(metrics, reader, OUTCOMES, "decision_outcome__decided_by")
    _, habits = _rows(metrics, reader, HABITS, "decision__decided_by")
    _, by_reason = _rows(metrics, reader, OUTCOMES[:3], "decision_outcome__reason_code")
    habits_by_person = {row["decided_by"]: row for row in habits}
    by_person = [{**habits_by_person.get(row["decided_by"], {}), **row} for row in outcomes]
    by_reason = [row for row in by_reason if row["reason_code"] is not None]
    return DecisionReport(
        release=release,
        is_simulated=_is_simulated(metrics, reader),
        by_kind=by_kind,
        by_person=by_person,
        by_reason=by_reason,
        findings=[*_about_the_model(by_kind, by_reason), *_about_people(by_person)],
    )


def _is_simulated(metrics: MetricService, reader: Principal | None) -> bool:
    """Whether anything that is reported rests on simulated stock, costs or planners."""
    sources = (("decisions_measured", "decision_outcome"), ("decisions_by_people", "decision"))
    for metric, entity in sources:
        _, rows = _rows(metrics, reader, (metric,), f"{entity}__is_simulated")
        if any(row["is_simulated"] and row[metric] for row in rows):
            return True
    return False


def _about_the_model(by_kind: list[Figures], by_reason: list[Figures]) -> list[Finding]:
    """Proposals as made against the baseline; and reasons for which people saw what the model did not."""
    findings = []
    count = sum(row["decisions_measured"] for row in by_kind)
    gain = sum(row["margin_impact_realised"] - row["judgement_margin_realised"] for row in by_kind)
    if count >= _FEWEST and gain < -_LEAST_MONEY * count:
        sentence = f"Proposals as made would have brought ${-gain:,.2f} less than the baseline policy."
        findings.append(Finding("model", "all proposals", count, gain, sentence))
    for row in by_reason:
        worth, count = row["judgement_margin_realised"], row["decisions_measured"]
        if count >= _FEWEST and worth > _LEAST_MONEY * count:
            sentence = (
                f"People who gave this reason were right, by ${worth:,.2f}: the model should know of it."
            )
            findings.append(Finding("model", row["reason_code"], count, worth, sentence))
    return findings


def _about_people(by_person: list[Figures]) -> list[Finding]:
    """Who overrules often and loses by it was not convinced; who never overrules was asked in vain."""
    findings = []
    for row in by_person:
        who, worth = row["decided_by"], row["judgement_margin_realised"]
        asked = int(row.get("decisions_by_people") or 0)
        if who == AUTOMATIC or asked < _FEWEST:
            continue
        overruled = (row["override_rate"] or 0) + (row["rejection_rate"] or 0)
        if overruled > _OFTEN_OVERRULED and worth < -_LEAST_MONEY * asked * overruled:
            sentence = (
                f"Overruled {overruled:.0%} and lost ${-worth:,.2f} by it: the reasons did not convince."
            )
            findings.append(Finding("explanation", who, asked, worth, sentence))
        elif (row["acceptance_rate"] or 0) >= _ALWAYS_ACCEPTED and worth <= _LEAST_MONEY:
            sentence = (
                f"Accepted {row['acceptance_rate']:.0%} after {row['decision_cycle_time_hours']:.0f} hours "
                "at the median, and gained nothing by looking: a higher automatic limit would do."
            )
            findings.append(Finding("policy", who, asked, worth, sentence))
    return findings


def _rows(
    metrics: MetricService, reader: Principal | None, names: tuple[str, ...], group: str
) -> tuple[str, list[Figures]]:
    query = MetricQuery(metrics=list(names), group_by=[group], order_by=[group])
    answer = metrics.answer(query, reader).as_dict()
    columns = [column["name"] for column in answer["columns"]]
    rows = [dict(zip(columns, row, strict=True)) for row in answer["rows"]]
    short = group.rpartition("__")[2]
    return answer["release"], [{short: row[group], **{n: _number(row[n]) for n in names}} for row in rows]


def _number(value: float | Decimal | None) -> float | None:
    """Whole counts as they are, everything else as a float, NULL as NULL."""
    return value if value is None or isinstance(value, int) else float(value)
