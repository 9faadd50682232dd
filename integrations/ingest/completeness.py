"""Whether a landing may be built from: an interrupted or refused ingest leaves half of a source in it."""

from __future__ import annotations

from pathlib import Path

from integrations.errors import LandingIncompleteError
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
