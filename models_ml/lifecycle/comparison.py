"""A version beside the one that scores: what a reviewer reads before the decision."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from governance.json_types import JsonDict
from models_ml.lifecycle import registry
from models_ml.lifecycle.registry import ModelVersion


@dataclass(frozen=True)
class Evaluated:
    """A version and the rows of its evaluation, as its training wrote them (none if the file is gone)."""

    version: ModelVersion
    evaluation: list[JsonDict]

    def as_dict(self) -> JsonDict:
        """JSON-ready form."""
        return self.version.as_dict() | {"evaluation": self.evaluation}


@dataclass(frozen=True)
class MetricPair:
    """One metric of the challenger, and the champion's if there is one that has it."""

    metric: str
    challenger: float
    champion: float | None


@dataclass(frozen=True)
class Comparison:
    """Challenger and champion, None before the first approval, with the challenger's metrics by name."""

    challenger: Evaluated
    champion: Evaluated | None
    metrics: tuple[MetricPair, ...]

    def as_dict(self) -> JsonDict:
        """JSON-ready form."""
        return {
            "challenger": self.challenger.as_dict(),
            "champion": self.champion and self.champion.as_dict(),
            "metrics": [asdict(pair) for pair in self.metrics],
        }


def compare_with_champion(tracking_uri: str, version: str, name: str) -> Comparison:
    """The version beside the champion. Raises ModelNotFoundError if there is no such version."""
    challenger = registry.get_version(tracking_uri, version, name)
    champion = registry.champion(tracking_uri, name)
    theirs = champion.metrics if champion else {}
    pairs = (MetricPair(key, value, theirs.get(key)) for key, value in sorted(challenger.metrics.items()))
    return Comparison(_evaluated(challenger), _evaluated(champion) if champion else None, tuple(pairs))


def _evaluated(version: ModelVersion) -> Evaluated:
    path = version.bundle.parent / "evaluation.json"
    return Evaluated(version, json.loads(path.read_text()) if path.exists() else [])
