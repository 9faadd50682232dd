"""What proposals on an open purchase order line have in common."""

from __future__ import annotations

from collections.abc import Sequence

from governance.json_types import JsonDict
from models_ml.recommend.proposal import Option, Run, details, number, of_pair, proposal_id
from models_ml.table_row import TableRow


def on_line(
    row: TableRow, run: Run, options: Sequence[Option], *, reason: str, sentences: Sequence[str],
    weekly: Sequence[JsonDict], drivers: JsonDict, **more: object,
) -> JsonDict:  # fmt: skip
    """The proposal; the first option is what is proposed, for all of the line's open units."""
    proposed, others = options[0], options[1:]
    sentences = [order_sentence(row), *sentences]
    return of_pair(row, run) | {
        "recommendation_id": proposal_id(
            proposed.action, row.purchase_order_line_id, run.as_of, float(row.before_units),
            float(row.open_units),
        ),
        "action": proposed.action,
        "subject_id": row.purchase_order_line_id,
        "quantity_units": float(row.open_units),
        "order_by": run.day(1),
        "need_by": run.day(row.arrives_days),
        "expected_units": proposed.units,
        "expected_margin": proposed.margin,
        "expected_cash": proposed.cash,
        "expected_service": proposed.service,
        "reason": reason,
        "drivers": {
            "open_units": float(row.open_units),
            "arrives_days": number(row.arrives_days),
            "is_late": bool(row.is_late),
            "before_units": float(row.before_units),
            "others_units": float(row.others_units),
            "position_units": float(row.position),
            "demand_mean_units": number(row.demand_mean),
            "unit_cost": number(row.unit_cost),
            "unit_margin": number(row.unit_margin),
            "worth": number(row.worth),
            "forecast_method": row.method,
            "as_of": run.as_of.isoformat(),
            **drivers,
        },
        "details": details(
            run, proposed, others, weekly=weekly, sentences=sentences,
            purchase_order_id=row.purchase_order_id,
            line_number=int(row.line_number), promised_on=row.promised_on.date().isoformat(),
            fallback_reason=row.fallback_reason or None, **more,
        ),
    }  # fmt: skip


def order_sentence(row: TableRow) -> str:
    """Which order, of whom, promised for when."""
    late = f", {-row.days_to_promise:.0f} days ago" if row.days_to_promise < 0 else ""
    return (
        f"order {row.purchase_order_id}: {row.open_units:.0f} of {row.supplier_name or row.supplier_id}, "
        f"promised for {row.promised_on:%d %b}{late}"
    )
