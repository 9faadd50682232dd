"""The finance view: what the proposals that somebody may see would do to working capital."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from api.services.former_names import IMPACT_WEEK, RECORD, with_former_names
from governance.approvals import OPEN, list_recommendations
from governance.errors import ForbiddenError
from governance.identity import Principal
from governance.policy.authorize import sees_margin
from governance.store import OpsStore
from models_ml.recommend.impact import weekly_impact

_PAGE = 5000


class ImpactWeek(BaseModel):
    """Change against doing nothing at the end of a week, in the reporting currency; cash is cumulative."""

    week_ending: str
    inventory: float
    payables: float
    working_capital: float = Field(description="inventory less payables: bound (positive) or released")
    cash: float
    working_capital_by_action: dict[str, float]

    @model_serializer(mode="wrap")
    def _answer(self, fields: SerializerFunctionWrapHandler) -> dict[str, object]:
        return with_former_names(fields(self), IMPACT_WEEK)


class Impact(BaseModel):
    """What a set of proposals would do to working capital."""

    currency: str | None = Field(None, description="of all amounts; NULL on the command line")
    states: list[str]
    proposals: int
    is_simulated: bool
    weeks: list[ImpactWeek]
    one_off: dict[str, dict[str, int | float]] = Field(
        description="expected margin, units and outlay by action"
    )

    @model_serializer(mode="wrap")
    def _answer(self, fields: SerializerFunctionWrapHandler) -> dict[str, object]:
        body = fields(self)
        return {
            **body,
            "one_off": {name: with_former_names(sums, RECORD) for name, sums in body["one_off"].items()},
        }


def impact_of(
    store: OpsStore, reader: Principal | None, *, state: Sequence[str] | None = None,
    action: str | None = None, region: str | None = None, department: str | None = None,
) -> Impact:  # fmt: skip
    """Week by week, over the open proposals unless other states are named; `reader` None sees everything.

    Raises ForbiddenError for readers to whom cost and margin are not shown.
    """
    if reader is not None and not sees_margin(reader):
        raise ForbiddenError(f"{reader.user!r} ({reader.role}) may not see what proposals cost.")
    states = tuple(state or OPEN)
    rows: list[Mapping[str, object]] = []
    cursor = None
    while True:
        page = list_recommendations(
            store, reader=reader, cursor=cursor, limit=_PAGE, state=states, action=action, region=region,
            department=department,
        )  # fmt: skip
        rows += [row.as_dict() for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return Impact.model_validate({"states": states, **weekly_impact(rows)})
