"""Whether a landing may be built from: an interrupted or refused ingest leaves half of a source in it."""

from __future__ import annotations

from pathlib import Path

from integrations.errors import LandingIncompleteError, NoSalesError
from integrations.ingest.presence import missing_needs
from integrations.ingest.state import LandingState


def landing_is_complete(landing: Path) -> bool:
    """True if the last ingest ran to its end and every batch that it lists is there."""
    return LandingState.read(landing).is_complete


def require_complete(landing: Path) -> None:
    """Raises LandingIncompleteError, with the command that completes it."""
    state = LandingState.read(landing)
    if state.is_complete:
        return
    if not state.source:
        raise LandingIncompleteError(
            f"{landing} holds no data yet.", hint="Bring some in first: `steelyard ingest run`."
        )
    raise LandingIncompleteError(
        f"The last ingest of '{state.source}' into {landing} did not reach its end; "
        "a release of it would miss rows without a sign.",
        hint=f"Run `steelyard ingest run --source {state.source}` until it succeeds: nothing landed is lost; "
        "the last release keeps serving.",
    )


def require_sales(landing: Path) -> None:
    """Raises NoSalesError if no sales line is landed: every calendar and every KPI begins with one."""
    if missing_needs(landing, ["sales_lines"]):
        raise NoSalesError(
            "No sales line has come in, so there is nothing to build.",
            hint="Bring products, locations and sales_lines; `steelyard ingest report` says what is missing.",
        )
