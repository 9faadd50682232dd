"""What the page says if nothing waits: all clear only if something could have been proposed, and was."""

from __future__ import annotations

from dataclasses import dataclass

from api.services.capabilities import kinds_that_wait
from api.services.reach import why_empty
from api.wiring import Services
from governance.approvals import list_recommendations
from governance.identity import Principal
from semantic.errors import SteelyardError


@dataclass(frozen=True)
class Nothing:
    """A heading, a sentence, and a line for each kind of which nothing can be proposed."""

    title: str
    sentence: str
    waiting: tuple[str, ...] = ()


def nothing_open(services: Services, person: Principal) -> Nothing:
    """Why nothing waits for this person."""
    if elsewhere := _elsewhere(services, person):
        return Nothing("Nothing of this data is yours", elsewhere)
    waiting = tuple(f"{one.title}: {one.reason}" for one in kinds_that_wait(services.settings))
    if not list_recommendations(services.store, reader=person, limit=1).items:
        sentence = "What the next run proposes appears here, most pressing first."
        if waiting:
            sentence = "What could be proposed waits for data that have not come."
        return Nothing("Nothing has been proposed yet", sentence, waiting)
    if waiting:
        return Nothing(
            "Nothing waits for you", "Of these nothing can be proposed with the data there are:", waiting
        )
    return Nothing("All clear", "Nothing waits for you. What the next run proposes appears here.")


def _elsewhere(services: Services, person: Principal) -> str:
    try:
        return why_empty(services.metrics, person)
    except SteelyardError:  # nothing is published yet
        return ""
