"""What a retailer may say of itself. Every default is neutral: it fits who has said nothing."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _currency(code: str) -> str:
    if not re.fullmatch("[A-Z]{3}", code):
        raise ValueError(f"{code!r} is not a code of ISO 4217, such as EUR or JPY")
    return code


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"{name!r} is not a time zone, such as Europe/Berlin") from None
    return name


Currency = Annotated[str, AfterValidator(_currency)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Departments(_Part):
    """Which departments and categories are not merchandise: their lines are sales, but not units sold."""

    not_merchandise: tuple[str, ...] = Field((), description="departments, such as fuel, deposits, services")
    categories_not_merchandise: tuple[str, ...] = Field((), description="categories inside other departments")


class Costs(_Part):
    """What goods cost if no cost was delivered, and what holding them costs."""

    share_kept_without_cost: Share | None = Field(
        None,
        description="margin of lines without a unit cost, as a share of their value; unset: unknown",
    )
    carrying_rate: float = Field(0.22, ge=0, le=2, description="of one unit of money of stock, a year")
    coupon_reimbursement_days: int = Field(
        30, ge=0, le=3650, description="after which manufacturers pay redeemed coupons back"
    )


class Stock(_Part):
    """When stock is aged, and when there is too much of it."""

    aged_shelf_life_share: Share = Field(
        0.5, description="share of the shelf life after which stock counts as aged"
    )
    target_cover_days: int = Field(28, gt=0, le=3650, description="days of demand; stock beyond is excess")


class Demand(_Part):
    """Which sales the demand models learn from."""

    least_quantity: float | None = Field(None, gt=0, description="of a line; unset: more than nothing")
    greatest_quantity: float | None = Field(None, gt=0, description="of a line; unset: any")
    excluded_departments: tuple[str, ...] = Field((), description="left out")
    excluded_categories: tuple[str, ...] = Field((), description="left out")
    promoting_locations_only: bool = Field(
        False, description="true: only locations that the promotions table names"
    )
    least_trading_days: int | None = Field(
        None, ge=1, le=7, description="of a week that counts; unset: one fewer than the retailer's usual week"
    )


class Event(_Part):
    """A day that moves sales."""

    day: dt.date
    name: str = Field("", description="for people")


class Retailer(_Part):
    """One retailer. What is not said has the neutral value beside it."""

    name: str = Field("", description="for people; empty: no name is shown")
    currency: Currency = Field("XXX", description="of all amounts, ISO 4217; XXX is no currency")
    time_zone: TimeZone = Field("UTC", description="in which a sale belongs to a day")
    location_time_zones: dict[str, TimeZone] = Field(
        {}, description="of locations in other zones, by location_id"
    )
    holidays: Literal["none", "US"] = Field("none", description="public holidays that the demand models know")
    events: tuple[Event, ...] = Field((), description="own days beside them, each with `day` and `name`")
    departments: Departments = Field(Departments(), description="what is not merchandise")
    costs: Costs = Field(Costs(), description="costs")
    stock: Stock = Field(Stock(), description="stock")
    demand: Demand = Field(Demand(), description="demand models")
    tolerated_bad_rows: Share = Field(
        0.01, description="share of a batch that may break its contract before it is refused"
    )
    simulated_ledger: bool = Field(
        False, description="true if stock, costs and cash are made up: KPIs that rest on them say so"
    )
    source: str = Field("", exclude=True, description="")

    def described(self) -> str:
        """One line for a run's summary: where the settings come from, and which of them are set."""
        given = sorted(name for name in self.model_fields_set if name != "source")
        where = self.source or "no retailer.yaml"
        settings = f"sets {', '.join(given)}" if given else "every setting is at its neutral default"
        return f"{self.name or 'Retailer'} ({where}): {settings}"
