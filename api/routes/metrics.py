"""`/v1/metrics` and `/v1/dimensions`: what can be asked, for this caller."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from api.deps import CurrentUser, ServicesDep
from api.problems import document
from api.services.capabilities import read_capabilities
from api.wiring import Services

router = APIRouter(prefix="/v1", tags=["metrics"])
ReleaseParameter = Annotated[
    str | None, Query(max_length=100, description="an older release, for time travel")
]


class MetricRow(BaseModel):
    """A metric's one definition."""

    name: str = Field(examples=["net_sales"])
    label: str = Field(examples=["Net sales"])
    description: str = Field(examples=["What the retailer receives: Σ sales_value."])
    type: str = Field(examples=["simple"])
    unit: str = Field(examples=["currency"])
    direction: str = Field(examples=["up"], description="whether up is good or bad")
    owner: str
    certification: str
    is_simulated: bool = Field(description="rests on the demo's derived ledger")
    target: float | None = Field(None, description="what the house has set itself to reach, if anything")
    waits_for: list[str] = Field(
        [], description="tables or columns that have not come; without them it is empty"
    )


class DimensionRow(BaseModel):
    """A dimension as it is named in a query."""

    name: str = Field(examples=["product__department"])
    label: str = Field(examples=["Product · department"])
    description: str = Field(examples=["Department of the catalogue."])
    type: str = Field(examples=["categorical"], description="time, categorical or entity")


class MetricsAnswer(BaseModel):
    items: list[MetricRow]


class DimensionsAnswer(BaseModel):
    items: list[DimensionRow]


@router.get("/metrics", responses=document(401, 403, 404, 422))
def list_metrics(user: CurrentUser, services: ServicesDep, release: ReleaseParameter = None) -> MetricsAnswer:
    """Every metric that the caller may see."""
    waits = _waits_for(services, release)
    rows = services.metrics.describe_metrics(user, release)
    return MetricsAnswer(items=[MetricRow(**row, waits_for=waits.get(row["name"], [])) for row in rows])


@router.get("/metrics/{name}", responses=document(401, 403, 404, 422))
def show_metric(
    name: Annotated[str, Path(max_length=200)],
    user: CurrentUser,
    services: ServicesDep,
    release: ReleaseParameter = None,
) -> MetricRow:
    """One metric. What the caller may not see answers like what does not exist."""
    row = services.metrics.describe_metric(name, user, release)
    return MetricRow(**row, waits_for=_waits_for(services, release).get(name, []))


@router.get("/dimensions", responses=document(400, 401, 403, 404, 422))
def list_dimensions(
    user: CurrentUser,
    services: ServicesDep,
    metrics: Annotated[
        list[str] | None, Query(max_length=50, description="dimensions that all of these share")
    ] = None,
    release: ReleaseParameter = None,
) -> DimensionsAnswer:
    """Dimensions that every one of `metrics` can be grouped by."""
    rows = services.metrics.describe_dimensions(metrics or [], user, release)
    return DimensionsAnswer(items=[DimensionRow(**row) for row in rows])


def _waits_for(services: Services, release: str | None) -> dict[str, list[str]]:
    """By metric, what the last run lacked for it; of an older release it is not known."""
    capabilities = read_capabilities(services.settings)
    return (
        capabilities.metrics
        if capabilities is not None and release in (None, capabilities.release_id)
        else {}
    )
