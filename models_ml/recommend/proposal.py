"""The form that every proposal has, whatever it proposes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from governance.json_types import JsonDict, JsonObject
from models_ml.recommend.effects import Weekly
from models_ml.recommend.inputs.tables import POSITION_TABLES
from models_ml.recommend.parameters import ReorderParameters
from models_ml.table_row import TableRow

NAMESPACE = uuid.UUID("5d2f3a5e-0c7e-5c55-9a3e-6c1d6f3f1a77")
COLUMNS = (
    "recommendation_id", "action", "product_id", "product_name", "location_id", "from_location_id",
    "subject_id", "region", "banner", "department", "category", "supplier_id", "quantity_units", "order_by",
    "need_by", "expected_units", "expected_margin", "expected_cash", "expected_service",
    "at_stake", "confidence", "reason", "drivers", "details", "model_name", "model_version",
    "release_id", "expires_at", "is_simulated",
)  # fmt: skip
DETAILS_VERSION = 1


@dataclass(frozen=True)
class Run:
    """What all proposals of one run share. `as_of` is the last day whose stock is known."""

    release_id: str
    as_of: date
    data_age_days: int
    now: datetime | None
    parameters: ReorderParameters

    @property
    def expires_at(self) -> pd.Timestamp:
        """So many days after now, or after the as-of day where no clock is given."""
        start = pd.Timestamp(self.now) if self.now else pd.Timestamp(self.as_of, tz="UTC")
        return start.tz_convert("UTC") + pd.Timedelta(days=self.parameters.valid_days)

    def day(self, days_ahead: float) -> date:
        """So many whole days after the as-of day, tomorrow at the earliest."""
        return self.as_of + timedelta(days=max(int(np.floor(min(days_ahead, 365))), 1))


@dataclass(frozen=True)
class Option:
    """One thing that could be done, with what it is expected to bring against doing nothing."""

    action: str
    quantity: float
    units: float
    service: float | None
    margin: float
    cash: float
    label: str = ""

    def as_dict(self, *, is_proposed: bool) -> JsonDict:
        """As stored."""
        return {
            "action": self.action, "quantity": number(self.quantity), "expected_units": number(self.units),
            "expected_service": None if self.service is None else number(self.service),
            "expected_margin": number(self.margin), "expected_cash": number(self.cash),
            "is_proposed": is_proposed, "words": self.label,
        }  # fmt: skip


def details(
    run: Run, proposed: Option, others: Sequence[Option], *, weekly: Sequence[JsonObject] = (),
    sentences: Sequence[str] = (), **more: object,
) -> JsonDict:  # fmt: skip
    """What every action tells: the options side by side, the best of the others, cash by week, words.

    The next-best option is the other one with the most margin; `against` holds what the proposed one brings
    beyond it, and beyond doing nothing.
    """
    best = max(others, key=lambda option: option.margin)
    nothing = next(option for option in others if option.action == "nothing")
    return {
        "version": DETAILS_VERSION,
        "as_of": run.as_of.isoformat(),
        "data_age_days": run.data_age_days,
        "alternatives": [
            option.as_dict(is_proposed=option is proposed) for option in (proposed, *others)
        ],
        "against": {
            name: {
                "action": other.action, "quantity": number(other.quantity),
                "units": number(proposed.units - other.units),
                "service": None if proposed.service is None or other.service is None
                else number(proposed.service - other.service),
                "margin": number(proposed.margin - other.margin),
                "cash": number(proposed.cash - other.cash),
            }
            for name, other in (("nothing", nothing), ("next_best", best))
        },
        "weekly": list(weekly),
        "drivers_in_words": list(sentences),
        "lineage": {
            "node": f"forecast.{run.release_id}", "models": [f"model.{table}" for table in POSITION_TABLES],
        },
        **more,
    }  # fmt: skip


def weekly_rows(run: Run, weekly: Weekly, row: int) -> list[JsonDict]:
    """The weeks of one proposal, as stored."""
    return [
        {
            "week_ending": (run.as_of + timedelta(days=7 * (k + 1))).isoformat(),
            "inventory": number(weekly.inventory[row, k]),
            "payables": number(weekly.payables[row, k]),
            "working_capital": number(weekly.working_capital[row, k]),
            "cash": number(weekly.cash[row, k]),
        }
        for k in range(weekly.inventory.shape[1])
    ]


def weeks_ahead(mean: np.ndarray, variance: np.ndarray) -> JsonDict:
    """Demand of one pair by week, as stored with what was computed from it."""
    return {
        "weekly_mean_units": [number(value) for value in mean],
        "weekly_variance_units2": [number(value) for value in variance],
    }


def proposal_id(action: str, *parts: object) -> str:
    """Same action and parts: same id, so that running twice proposes nothing new."""
    texts = [f"{part:.0f}" if isinstance(part, float) else str(part) for part in parts]
    return str(uuid.uuid5(NAMESPACE, "|".join([action, *texts])))


def product_name(row: TableRow) -> str:
    """Kind and size, where known."""
    texts = [row.product_type, row.package_size]
    return ", ".join(str(word).strip() for word in texts if isinstance(word, str) and word.strip())


def of_pair(row: TableRow, run: Run) -> JsonDict:
    """The fields that name a product at a location, and what forecast it."""
    return {
        "product_id": row.product_id, "product_name": product_name(row), "location_id": row.location_id,
        "from_location_id": None, "subject_id": None, "region": row.region, "banner": row.banner,
        "department": row.department, "category": row.category, "supplier_id": row.supplier_id,
        "confidence": number(row.confidence), "model_name": row.model_name,
        "model_version": row.model_version, "release_id": run.release_id, "expires_at": run.expires_at,
        "is_simulated": bool(row.is_simulated),
    }  # fmt: skip


def frame(rows: Sequence[JsonObject]) -> pd.DataFrame:
    """Proposals as a table with all columns, most margin (else what is at stake) first."""
    table = pd.DataFrame(list(rows), columns=list(COLUMNS))
    money = {name: table[name].astype(float) for name in ("expected_margin", "at_stake")}
    table = table.assign(**money, _money=money["expected_margin"].fillna(money["at_stake"]))
    order = ["_money", "location_id", "product_id", "recommendation_id"]
    sorted_: pd.DataFrame = table.sort_values(order, ascending=[False, True, True, True], kind="stable")
    return sorted_.drop(columns="_money").reset_index(drop=True)


def records(table: pd.DataFrame) -> list[JsonDict]:
    """The rows of a table of proposals or anomalies, by column."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def number(value: float) -> float:
    """A plain number, to a millionth: what is stored can be computed again."""
    return round(float(value), 6)
