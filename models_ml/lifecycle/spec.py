"""What the platform needs to know of a model to train, review, promote, score and watch it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from governance.progress import Progress, silent

if TYPE_CHECKING:
    import pandas as pd

    from models_ml.lifecycle.champion import Approved
    from models_ml.lifecycle.training import TrainedModel

Columns = frozenset[tuple[str, str]]
"""(table, column) of a release."""

Metrics = Mapping[str, float]
"""Of a version's backtest, by name."""


@dataclass(frozen=True)
class Scored:
    """Where a scoring's rows are, how many, by which model, and why not by a model (empty: by the model).

    `note` says where the model came from if not from the registry.
    """

    path: Path
    rows: int
    model_name: str
    model_version: str
    release_id: str
    fallback_reason: str
    note: str = ""


@dataclass(frozen=True)
class FeatureSample:
    """Features of sampled series at the ends of weeks, as monitoring compares them.

    `rows` has week, region, department_name, location_id and a column a feature, one row per series and week;
    `forecast_to_level` is there if a model forecast them. `prefix` comes before the features' names.
    """

    prefix: str
    rows: pd.DataFrame
    names: list[str]


class ModelSpec(ABC):
    """One model of the platform. Heavy libraries are imported by its methods, not with it."""

    name: ClassVar[str]
    """Of the registered model, and of the file of its scores."""
    baseline: ClassVar[str]
    """What scores if no approved version may."""
    columns: ClassVar[tuple[str, ...]]
    """Of its evaluation table, as people see it after training."""
    is_watched: ClassVar[bool] = False
    """Whether monitoring compares its features (`sample_features`) and the codes it was trained with."""
    scores_node: ClassVar[str]
    """Kind of the node that its scores are in lineage."""
    merit: ClassVar[str]
    """What `earns_promotion` asks for, as the reason of a first approval."""

    @abstractmethod
    def train(
        self,
        warehouse: Path,
        release_id: str,
        *,
        tracking_uri: str,
        artifact_root: Path,
        git_commit: str,
        progress: Progress = silent,
    ) -> TrainedModel:
        """Backtest, fit and register a challenger; the version that exists if nothing changed."""

    @abstractmethod
    def score(
        self,
        warehouse: Path,
        release_id: str,
        *,
        tracking_uri: str,
        artifact_root: Path,
        output: Path,
        progress: Progress = silent,
        approved: Approved | None = None,
    ) -> Scored:
        """Write the scores of the release to `output` (Parquet), by the approved champion or the baseline."""

    @abstractmethod
    def load(self, folder: Path, digest: str) -> object:
        """The model in the folder. Raises ArtifactChangedError if its files are not those of the digest."""

    @abstractmethod
    def reads(self) -> Columns:
        """What fit and scoring read of a release."""

    def baseline_reads(self) -> Columns:
        """What the baseline reads."""
        return self.reads()

    @abstractmethod
    def earns_promotion(self, metrics: Metrics) -> bool:
        """Whether a first version is worth an approval, by its backtest beside the baselines."""

    @abstractmethod
    def headline(self, metrics: Metrics) -> str:
        """Its most telling figure beside the baseline's, in a few words."""

    def sample_features(
        self, warehouse: Path, regions: Mapping[str, str], model: object | None
    ) -> FeatureSample | None:
        """Features to watch for drift, with the loaded model's forecasts if it scores; None: not watched."""
        return None

    def backtest(self, artifact_root: Path, version: str) -> Path | None:
        """Stored forecasts of the version whose error is watched once their weeks are recorded."""
        return None
