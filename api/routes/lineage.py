"""`/v1/lineage/{node}`: where a number comes from, and what it reaches."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, Field

from api.deps import CurrentUser, ServicesDep
from api.problems import document

_SVG = "image/svg+xml"

router = APIRouter(prefix="/v1/lineage", tags=["lineage"])


class NodeRow(BaseModel):
    id: str = Field(examples=["model.fct_sales_lines"])
    kind: str = Field(examples=["model"])
    label: str = ""


class EdgeRow(BaseModel):
    source: str
    target: str
    kind: str = Field(examples=["direct"], description="indirect: decides which rows, not which values")
    level: str = Field(examples=["model"])


class LineageAnswer(BaseModel):
    """The part of the graph around a node; edges point from source to use."""

    node: str = Field(examples=["metric.net_sales"])
    release: str
    nodes: list[NodeRow]
    edges: list[EdgeRow]
    mermaid: str = Field(description="the same picture, for any Mermaid viewer")


@router.get(
    "/{node:path}",
    response_model=LineageAnswer,
    responses={200: {"content": {_SVG: {"schema": {"type": "string"}}}}, **document(401, 403, 404, 422)},
)
def show(
    node: Annotated[str, Path(max_length=300)],
    user: CurrentUser,
    services: ServicesDep,
    direction: Literal["upstream", "downstream", "both"] = "both",
    depth: Annotated[int | None, Query(ge=1, le=50)] = None,
    columns: Annotated[bool, Query(description="walk by column, not by table")] = False,
    release: Annotated[str | None, Query(max_length=100)] = None,
    accept: Annotated[str, Header(max_length=200)] = "",
) -> Response | LineageAnswer:
    """Walk the release's lineage graph from `node`: JSON, or a picture with `Accept: image/svg+xml`."""
    view = services.lineage.show(
        node, user, direction=direction, depth=depth, columns=columns, release_id=release
    )
    if _SVG in accept:
        return Response(view.svg(), media_type=_SVG)
    return LineageAnswer.model_validate(view.as_dict())
