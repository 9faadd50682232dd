"""Numbers and codes in words a planner uses."""

from __future__ import annotations

import datetime as dt

from api.review.queue import data_day, drivers
from governance.approvals import OPEN, ROUTE_LABELS, UNDO, Recommendation, action_of

ANOMALIES = {
    "shrink": "stock that goes missing · {1}",
    "returns": "returns at store {0}",
    "late_supplier": "late deliveries · supplier {0}",
}
FACETS = {"action": "Action", "region": "Region", "department": "Department", "policy_route": "Decided by"}
STATES = dict.fromkeys(OPEN, "waits for a decision")
_SAME_YEAR_DAYS = 180  # a day so near is clear without its year
_DRIVERS = (
    ("demand_mean_units", "Expected demand until the next order could come", "{:,.1f} units"),
    ("demand_sd_units", "Its spread (standard deviation)", "± {:,.1f} units"),
    ("protection_interval_days", "Days that have to be covered", "{:,.1f} days"),
    ("lead_time_mean_days", "Lead time, mean", "{:,.1f} days"),
    ("service_target", "Service aimed at", "{:.0%}"),
    ("service_without_order", "Service if nothing is done", "{:.0%}"),
    ("base_stock_units", "Units needed for it", "{:,.0f} units"),
    ("on_hand_units", "On hand", "{:,.0f} units"),
    ("reserved_units", "of these reserved", "{:,.0f} units"),
    ("on_order_units", "On order", "{:,.0f} units"),
    ("in_transit_units", "Under way", "{:,.0f} units"),
    ("case_pack_units", "Case pack", "{:,.0f} units"),
)


def money(value: float | None) -> str:
    """Dollars, cents where they matter; a dash if unknown or not for this reader's eyes."""
    if value is None:
        return "–"
    digits = 2 if abs(value) < 100 else 0
    return f"{'−' if value < 0 else ''}${abs(value):,.{digits}f}"


def dollars(value: float | None) -> str:
    """Whole dollars, for amounts below each other."""
    return "–" if value is None else f"{'−' if round(value) < 0 else ''}${abs(value):,.0f}"


def units(value: float | None) -> str:
    """Whole units; a tenth if there are few of them."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:,.1f}"


def percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def day(value: dt.date | None) -> str:
    return "–" if value is None else f"{value:%-d %b %Y}"


def iso_day(value: str) -> str:
    """A day that is kept as text."""
    return day(dt.date.fromisoformat(value))


def moment(value: dt.datetime | None) -> str:
    return "–" if value is None else f"{value:%-d %b %Y, %H:%M} UTC"


def headline(record: Recommendation) -> str:
    """What, how much, of what: one line. An anomaly is about a place or a supplier, not about goods."""
    if record.action == "investigate" and record.subject_id:
        kind, _, subject = record.subject_id.partition(":")
        return f"Look into {ANOMALIES.get(kind, '{}').format(*subject.split('/'), subject)}"
    amount = f" {units(record.quantity_units)}" if record.quantity_units else ""
    return f"{verb(record.action)}{amount} · {product(record)}"


def verb(action: str) -> str:
    """What an action does, as a button or a headline says it: Order, Mark down, Undo move."""
    registered = action_of(action)
    label = registered.label if registered else action.replace("_", " ").capitalize()
    return f"Undo {label.lower()}" if registered and action.startswith(UNDO) else label


def has_quantity(action: str) -> bool:
    """Whether its quantity counts something, so that another one can be decided on."""
    registered = action_of(action)
    return registered is None or registered.unit is not None


def product(record: Recommendation) -> str:
    """The product's name in sentence case; recorded names are in capitals."""
    name = record.product_name or f"product {record.product_id}"
    return name.capitalize() if name.isupper() else name


def place(record: Recommendation) -> str:
    """Where; for a transfer, from where to where."""
    here = _location(record.location_id)
    here = f"{here}, {record.region}" if record.region else here
    return f"{_location(record.from_location_id)} → {here}" if record.from_location_id else here


def _location(location_id: str) -> str:
    """Stores have bare numbers; a distribution centre's id says what it is."""
    return f"Store {location_id}" if location_id.isdigit() else location_id


def due(days_left: int | None, order_by: dt.date | None) -> str:
    """By when it has to be acted on, in the data's days: on the last of them it is too late for that day."""
    if days_left is None or order_by is None:
        return "no date"
    near = f"{order_by:%-d %b}" if abs(days_left) < _SAME_YEAR_DAYS else day(order_by)
    return f"act by {near}" if days_left > 0 else f"late since {near}"


def after_data(days_left: int | None) -> str:
    """How far a day is from the last day of the data."""
    if days_left is None:
        return ""
    if days_left == 0:
        return "the last of them"
    days = f"{abs(days_left)} day{'' if abs(days_left) == 1 else 's'}"
    return f"{days} {'after' if days_left > 0 else 'before'} their end"


def choice(value: str, facet: str) -> str:
    """A value of a filter, in the words that the rows have for it."""
    if facet == "action":
        return verb(value)
    text = ROUTE_LABELS.get(value, value) if facet == "policy_route" else value
    return text[:1].upper() + text[1:] if not text.isupper() else text.capitalize()


def driver_lines(record: Recommendation) -> list[tuple[str, str]]:
    """Drivers with their numbers."""
    values = drivers(record)
    return [(label, form.format(values[key])) for key, label, form in _DRIVERS if values.get(key) is not None]


def data_line(record: Recommendation) -> str:
    """What it was computed from."""
    model = f"{record.model_name} {record.model_version}" if record.model_name else "no model"
    if record.model_name == record.model_version:
        model = f"the rule {record.model_name}"
    release = record.release_id or "unknown"
    return f"Computed by {model} from data up to {day(data_day(record))}, release {release}."
