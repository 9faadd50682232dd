"""What runs with the data that came, what runs on a fallback, what waits and for which table.

Nothing is listed by hand: what a KPI needs is declared in its definition, what a recommendation needs in its
kind, and what a model lacked it said itself in the last run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from api.settings import Settings
from governance.approvals import ACTIONS
from governance.disk import atomic_write

State = Literal["runs", "fallback", "waits"]


class Capability(BaseModel):
    """One thing that the platform does; `reason` says why not, or not fully, and is empty if it runs."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    state: State
    reason: str = ""
    waits_for: list[str] = []


class Unlock(BaseModel):
    """What one more table or column would bring, with everything else as it is."""

    model_config = ConfigDict(frozen=True)

    need: str
    metrics: list[str]
    capabilities: list[str]

    @property
    def sentence(self) -> str:
        """`inventory_snapshots: 22 KPIs, reorder, transfer`."""
        count = len(self.metrics)
        kpis = [f"{count} KPI{'' if count == 1 else 's'}"] if count else []
        return f"{self.need}: {', '.join([*kpis, *self.capabilities])}"


class Capabilities(BaseModel):
    """Of one release: every capability, the needs of each metric that waits, and what would unlock what."""

    model_config = ConfigDict(frozen=True)

    release_id: str
    capabilities: list[Capability]
    metrics: dict[str, list[str]]
    unlocks: list[Unlock]

    def of(self, name: str) -> Capability | None:
        """The capability of that name, such as `reorder` or `demand_forecasts`."""
        return next((one for one in self.capabilities if one.name == name), None)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready form, with a sentence an unlock."""
        plain = self.model_dump(mode="json")
        sentences = [{**one.model_dump(mode="json"), "sentence": one.sentence} for one in self.unlocks]
        return {**plain, "unlocks": sentences}


def read_capabilities(settings: Settings) -> Capabilities | None:
    """As the last run of the pipeline left them; None before the first, or if another version wrote them."""
    try:
        return Capabilities.model_validate_json(_file(settings).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def kinds_that_wait(settings: Settings) -> list[Capability]:
    """Kinds of which nothing can be proposed: that none of them is open does not say that all is well."""
    last_run = read_capabilities(settings)
    return (
        [one for one in last_run.capabilities if one.name in ACTIONS and one.state == "waits"]
        if last_run
        else []
    )


def write_capabilities(settings: Settings, capabilities: Capabilities) -> None:
    """For those who read them later."""
    path = _file(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, capabilities.model_dump_json(indent=1))


def unlocks(
    missing: Iterable[str], metrics: Mapping[str, list[str]], capabilities: Iterable[Capability]
) -> list[Unlock]:
    """By need: what waits for it and for nothing else. The need that brings most comes first."""
    waiting = [one for one in capabilities if one.waits_for]
    by_need = [
        Unlock(
            need=need,
            metrics=sorted(name for name, needs in metrics.items() if needs == [need]),
            capabilities=[one.name for one in waiting if one.waits_for == [need]],
        )
        for need in missing
    ]
    useful = [one for one in by_need if one.metrics or one.capabilities]
    return sorted(useful, key=lambda one: (-len(one.metrics), -len(one.capabilities), one.need))


def _file(settings: Settings) -> Path:
    return settings.var_dir / "pipeline" / "capabilities.json"
