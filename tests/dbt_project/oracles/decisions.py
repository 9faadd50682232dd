# ruff: noqa: E501 — hand-written SQL stands in one piece
"""Recommendations, what was decided of them and what came of it, by hand from what the platform exported.

What settled a recommendation is worked out here once more: the last word of a person, or policy without one.
"""

from __future__ import annotations

from tests.dbt_project.oracles.landed import LOCAL
from tests.dbt_project.oracles.numbers import LOCATION, PRODUCT, SUPPLIER, Fact, Oracle, flow, rate

SETTLED = "('approved', 'overridden', 'rejected', 'executing', 'executed', 'failed', 'measured')"
ISSUED = f"(select *, {LOCAL.format('proposed_at')} as day from recommendations)"
DECIDED = f"""
    select r.*, x.decision, coalesce(x.decided_by, 'policy') as decided_by, coalesce(x.role, 'automatic') as team,
        x.reason_code, x.decision_id is null as automatic,
        coalesce(x.quantity_units, r.decided_quantity_units) / nullif(r.quantity_units, 0) as share,
        {LOCAL.format("coalesce(x.decided_at, r.proposed_at)")} as day,
        date_diff('microsecond', r.proposed_at, coalesce(x.decided_at, r.proposed_at)) / 3.6e9 as hours
    from recommendations r left join (
        select recommendation_id, unnest(arg_max(decisions, (decided_at, decision_id)))
        from decisions group by 1) x using (recommendation_id)
    where r.state in {SETTLED}"""
MEASURED = f"""
    select o.*, d.day, coalesce(d.decision, 'approve') as decision, d.decided_by, d.team, d.reason_code, d.product_id,
        d.location_id, d.supplier_id, d.action, date_diff('day', o.measured_from, o.measured_to) + 1 as days
    from decision_outcomes o join ({DECIDED}) d using (recommendation_id)"""
JOINS = f"{PRODUCT} {LOCATION} {SUPPLIER}"
PROPOSALS = Fact(
    ISSUED, JOINS, groups={f"recommendation__{n}": f"f.{n}" for n in ("action", "state", "model_version")}
)
DECISIONS = Fact(
    "decided",
    JOINS,
    "f.day",
    {f"decision__{n}": f"f.{n}" for n in ("action", "team", "reason_code", "model_version")},
    DECIDED,
)
OUTCOMES = Fact(
    "measured",
    JOINS,
    "f.day",
    {"decision_outcome__decision_kind": "f.decision", "decision_outcome__decided_by": "f.decided_by",
            "decision_outcome__action": "f.action", "decision_outcome__reason_code": "f.reason_code"},
    MEASURED,
)  # fmt: skip
ISSUED_BY = (
    (),
    ("recommendation__action", "recommendation__state"),
    ("metric_time__month", "recommendation__model_version", "location__region"),
    ("supplier__supplier_name",),  # NULL where nothing is bought
)
DECIDED_BY = (
    (),
    ("decision__action", "decision__team"),
    ("decision__reason_code",),  # NULL where nobody gave one
    ("metric_time__week", "decision__model_version", "location__region"),
)
MEASURED_BY = (
    (),
    ("decision_outcome__decided_by",),
    ("decision_outcome__decision_kind", "product__department"),
    ("metric_time__month", "location__region"),
    ("decision_outcome__reason_code",),
)
PEOPLE = {
    "decisions_accepted": "count(*) filter (decision = 'approve')",
    "decisions_overridden": "count(*) filter (decision = 'override')",
    "decisions_rejected": "count(*) filter (decision = 'reject')",
    "decisions_by_people": "count(*) filter (not automatic)",
    "decisions_automatic": "count(*) filter (automatic)",
    "recommendations_decided": "count(*)",
}
RATES = {
    "acceptance_rate": ("decisions_accepted", "decisions_by_people"),
    "override_rate": ("decisions_overridden", "decisions_by_people"),
    "rejection_rate": ("decisions_rejected", "decisions_by_people"),
    "auto_approval_rate": ("decisions_automatic", "recommendations_decided"),
}
HOURS = {
    "decision_cycle_time_hours": "quantile_cont(hours, 0.5) filter (not automatic)",
    "decision_cycle_time_p90_hours": "quantile_cont(hours, 0.9) filter (not automatic)",
}
# The estimate is of the quantity proposed: cash follows the quantity, margin up to what was proposed.
EXPECTED = {
    "margin_impact_expected": "sum(case when state = 'rejected' then 0 else round(expected_margin * least(coalesce(share, 1), 1), 4) end)",
    "working_capital_impact_expected": "-sum(case when state = 'rejected' then 0 else round(expected_cash * coalesce(share, 1), 4) end)",
}


def gained(of: str, over: str) -> str:
    return f"sum(round({of}, 4) - round({over}, 4))"


YEARLY = "sum(round(cogs_{0}, 4) * 365 / days)"
STOCK = "sum(round(stock_value_{0}, 4))"
REALISED = {
    "decisions_measured": "count(*)",
    "margin_impact_realised": gained("margin_decided", "margin_baseline"),
    "working_capital_impact_realised": gained("stock_value_decided", "stock_value_baseline"),
    "judgement_margin_realised": gained("margin_decided", "margin_proposed"),
    "outcome_served_gained_units": "sum(served_decided_units) - sum(served_baseline_units)",
    "outcome_demand_units": "sum(demand_units)",
    "outcome_cogs_decided_a_year": YEARLY.format("decided"),
    "outcome_cogs_baseline_a_year": YEARLY.format("baseline"),
    "outcome_stock_decided": STOCK.format("decided"),
    "outcome_stock_baseline": STOCK.format("baseline"),
}
OUTCOME_RATES = {
    "service_impact_realised": ("outcome_served_gained_units", "outcome_demand_units"),
    "outcome_turns_decided": ("outcome_cogs_decided_a_year", "outcome_stock_decided"),
    "outcome_turns_baseline": ("outcome_cogs_baseline_a_year", "outcome_stock_baseline"),
}
# Marts keep money to four decimals a row; sums of some thousand rows differ by less.
MONEY = {"rel": 1e-7, "abs": 2e-3}
TRANSFERS = "sum(case when action = 'transfer' then {} end)"
ORACLES = {
    "recommendations_issued": Oracle(flow(PROPOSALS, "count(*)"), ISSUED_BY),
    "recommendations_open": Oracle(flow(PROPOSALS, "count(*) filter (state in ('proposed', 'in_review'))"), ISSUED_BY),
    **{name: Oracle(flow(DECISIONS, sql), DECIDED_BY) for name, sql in (PEOPLE | HOURS).items()},
    **{name: Oracle(rate(DECISIONS, PEOPLE[above], PEOPLE[below]), DECIDED_BY) for name, (above, below) in RATES.items()},
    **{name: Oracle(flow(DECISIONS, sql), DECIDED_BY, **MONEY) for name, sql in EXPECTED.items()},
    **{name: Oracle(flow(OUTCOMES, sql), MEASURED_BY, **MONEY) for name, sql in REALISED.items()},
    **{
        name: Oracle(rate(OUTCOMES, REALISED[above], REALISED[below]), MEASURED_BY, **MONEY)
        for name, (above, below) in OUTCOME_RATES.items()
    },
    # Nobody has settled an anomaly or carried out a transfer in the demo yet: the formula is met on rows made by hand.
    "exception_resolution_hours": Oracle(
        flow(DECISIONS, "quantile_cont(hours, 0.5) filter (not automatic and action = 'investigate')"), DECIDED_BY, empty=True),
    "transfer_margin_gained": Oracle(
        flow(OUTCOMES, TRANSFERS.format("round(margin_decided, 4) - round(margin_baseline, 4)")), MEASURED_BY, empty=True, **MONEY),
    "transfer_cost": Oracle(
        flow(OUTCOMES, TRANSFERS.format("round(action_cost, 4)")), MEASURED_BY, empty=True, **MONEY),
    "transfer_efficiency": Oracle(rate(
        OUTCOMES, TRANSFERS.format("margin_decided - margin_baseline"), TRANSFERS.format("action_cost")), MEASURED_BY, empty=True, **MONEY),
}  # fmt: skip
