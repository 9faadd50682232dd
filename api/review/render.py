"""Templates, and what every one of them may use."""

from __future__ import annotations

from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.review import labels
from governance.approvals import REASON_CODES, ROUTE_LABELS

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
for _name in (
    "money",
    "dollars",
    "units",
    "percent",
    "day",
    "moment",
    "iso_day",
    "headline",
    "product",
    "place",
    "due",
    "after_data",
    "choice",
    "verb",
    "has_quantity",
):
    _environment.filters[_name] = getattr(labels, _name)
_environment.globals.update(
    FACETS=labels.FACETS, ROUTES=ROUTE_LABELS, STATES=labels.STATES, REASONS=REASON_CODES
)


def page(name: str, status: int = 200, /, **values: object) -> HTMLResponse:
    """A template as an answer."""
    return HTMLResponse(_environment.get_template(name).render(**values), status)


def problem_page(request: Request, status: int, title: str, sentence: str) -> HTMLResponse:
    """A refusal as a person reads it; inside the page if htmx asked."""
    if "hx-request" in request.headers:
        return page("refusal.html", status, title=title, sentence=sentence)
    return page("problem.html", status, title=title, sentence=sentence)
