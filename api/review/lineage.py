"""Where a number comes from and what it reaches, drawn, for whoever is signed in."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.deps import ServicesDep
from api.review.render import page, problem_page
from api.review.session import CurrentPerson
from governance.errors import ForbiddenError, UnknownNodeError

router = APIRouter(prefix="/review/lineage", include_in_schema=False)
_MOST_DRAWN = 250  # boxes; beyond that a picture explains nothing
_FIRST = "metric.gmroi"


@router.get("")
def search(node: Annotated[str, Query(max_length=300)] = _FIRST) -> Response:
    """The form's answer: on to the node's own address."""
    return RedirectResponse(address(node.strip() or _FIRST), 303)


@router.get("/{node:path}")
def drawn(
    *,
    request: Request,
    node: Annotated[str, Path(max_length=300)],
    person: CurrentPerson,
    services: ServicesDep,
    direction: Literal["upstream", "downstream", "both"] = "both",
    columns: bool = False,
) -> Response:
    """The picture around a node; every box leads on. What one may not see answers like what is not there."""
    try:
        view = services.lineage.show(node, person, direction=direction, columns=columns)
    except UnknownNodeError as error:
        return problem_page(request, 404, "Nothing of that name", error.hint or "There is no such node.")
    except ForbiddenError as error:
        return problem_page(request, 403, "Not for your role", error.message)
    count = len(view.graph.nodes)
    return page(
        "lineage.html",
        node=node,
        label=view.graph.nodes[node].label,
        release=view.release_id,
        direction=direction,
        columns=columns,
        count=count,
        picture=view.svg(link=address) if count <= _MOST_DRAWN else "",
    )


def address(node: str) -> str:
    """Where a node is drawn."""
    return f"/review/lineage/{quote(node)}"
