"""What each step of the main job returns: typed, whole in a checkpoint, and plain for `--json`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

Row = dict[str, JsonValue]
"""A row of a table whose columns are another package's."""


class StepResult(BaseModel):
    """`unchanged`: the step's work was done already."""

    model_config = ConfigDict(frozen=True)

    unchanged: bool = False

    def summary(self) -> str:
        """One line for the closing table."""
        raise NotImplementedError

    def as_dict(self) -> Row:
        """JSON-ready form; what does not apply is left out."""
        return self.model_dump(mode="json", exclude_unset=True)


class TableCounts(BaseModel):
    """Rows of one table of the source: `rows_in = rows_loaded + rows_quarantined`."""

    table: str
    rows_in: int
    rows_loaded: int
    rows_quarantined: int
    batches_added: list[str]
    batches_known: int
    warnings: list[str]


class IngestResult(StepResult):
    """Rows by table; `changed` is False if the source was as it is in the landing."""

    source: str
    changed: bool
    seconds: float
    tables: dict[str, TableCounts]
    rows_loaded: int
    rows_quarantined: int

    def summary(self) -> str:
        if self.unchanged:
            return f"{self.source}: nothing new"
        return f"{self.rows_loaded:,} rows landed, {self.rows_quarantined:,} quarantined"


class LineageFacts(BaseModel):
    """How many columns the traced models have, and the share of them whose origins were resolved."""

    columns: int
    resolved_share: float
    models_taken_over: int


class BuildResult(StepResult):
    """A release; if it is new, how much of it was built and how much was reused from release `based_on`."""

    release_id: str
    lineage: LineageFacts | None = None
    based_on: str | None = None
    models_built: list[str] = []
    models_taken_over: list[str] = []
    models_dropped: list[str] = []
    tests_run: int = 0
    tests_taken_over: int = 0

    def summary(self) -> str:
        if self.unchanged or self.lineage is None:
            return f"release {self.release_id}: nothing changed"
        built = f"release {self.release_id}: {len(self.models_built)} models built"
        if self.based_on:
            built += f", {len(self.models_taken_over)} taken over from {self.based_on}"
        return f"{built}; {self.lineage.resolved_share:.0%} of {self.lineage.columns} columns traced"


class PublishResult(StepResult):
    """The release that serves."""

    release_id: str

    def summary(self) -> str:
        return f"serving {self.release_id}"


class TrainedVersion(BaseModel):
    """A registered version with its metrics; `evaluation` is the backtest by slice."""

    name: str
    version: str
    digest: str
    fingerprint: str
    release_id: str
    trained_by: str
    metrics: dict[str, float]
    evaluation: list[Row]
    reused: bool
    unchanged: bool
    approved_as_first: bool
    headline: str = ""


class TrainResult(StepResult):
    """Every model that was trained, and why the others wait; `unchanged` if every one was reused."""

    models: list[TrainedVersion]
    waits: dict[str, str] = {}

    def summary(self) -> str:
        waiting = (f"{name.replace('_', ' ')} waits: {reason}" for name, reason in self.waits.items())
        return "; ".join([*(model.headline for model in self.models), *waiting])

    def as_dict(self) -> Row:
        """The first model's fields too, as before there were several."""
        plain = super().as_dict()
        return (self.models[0].model_dump(mode="json") if self.models else {}) | plain


class Trial(BaseModel):
    """One set of settings: mean scores by tier, and pinball loss against the settings in force."""

    settings: dict[str, int | float]
    relative_pinball: float
    scores: dict[str, float]
    seconds: float


class SearchResult(StepResult):
    """Every trial, the settings in force first, and the best; logged in MLflow under `mlflow_run_id`."""

    window_through_week: int
    origins: list[int]
    trials: list[Trial]
    best: Trial
    mlflow_run_id: str


class Alert(BaseModel):
    """One thing that drifted, where, by how much, in a sentence."""

    model_config = ConfigDict(extra="allow")

    model_name: str = ""
    kind: str
    feature: str
    segment_type: str
    segment: str
    score: float | None
    threshold: float | None
    finding: str


class RetrainAdvice(BaseModel):
    """Retrain or not, and why."""

    is_recommended: bool
    reasons: list[str]
    sentence: str


class MonitorResult(StepResult):
    """What was found for the last recorded week, and where rows and report are."""

    release_id: str
    week: int
    rows: int
    drift_share: float
    alerts: list[Alert]
    retrain: RetrainAdvice
    model_version: str
    path: Path
    report: Path

    def summary(self) -> str:
        count = len(self.alerts)
        alerts = f"{count} open alert{'' if count == 1 else 's'}" if count else "no open alert"
        drifted = f"{self.drift_share:.0%} of features drifted"
        return f"week {self.week}: {drifted}, {alerts}; {self.retrain.sentence}"


class ModelScores(BaseModel):
    """Where the scores are; `fallback_reason` says why the baseline scored, empty if a model did."""

    model: str
    fallback_reason: str
    scores: Path
    rows: int


class RecommendResult(StepResult):
    """Forecasts, what was proposed from them, and other models' `scores`. Counts are of recommendations."""

    model: str
    fallback_reason: str
    note: str
    forecasts: Path
    forecast_rows: int
    scores: dict[str, ModelScores]
    considered: int
    considered_by_action: dict[str, int]
    proposed: int
    proposed_by_action: dict[str, int]
    unchanged_held_back: int
    small_changes_held_back: int
    changed: int
    nervousness: float
    withdrawn: int
    automatic: int

    def as_dict(self) -> Row:
        """Each other model's scores under its own name too, as before there were several."""
        return super().as_dict() | {name: one.model_dump(mode="json") for name, one in self.scores.items()}

    def summary(self) -> str:
        why = self.fallback_reason or self.note
        if self.forecast_rows:
            forecasts = f"{self.forecast_rows:,} forecasts by {self.model}" + (f" ({why})" if why else "")
        else:
            forecasts = f"no forecasts: {why.rstrip('.') or 'nothing sells often enough'}"
        each = ", ".join(f"{count:,} {action}" for action, count in sorted(self.proposed_by_action.items()))
        proposals = f"{self.proposed:,} new proposals ({each or 'nothing new'})"
        return f"{forecasts}; {proposals}, {self.automatic:,} within automatic limits"


class MeasureResult(StepResult):
    """Settled decisions, how many of them are measured, and proposals of the demo's simulated past weeks."""

    replayed: int
    settled: int
    measured: int

    def summary(self) -> str:
        past = f" ({self.replayed:,} proposals of simulated past weeks)" if self.replayed else ""
        return f"{self.measured:,} of {self.settled:,} settled decisions measured{past}"


class RecordResult(StepResult):
    """Rows and batch of every table of the platform's own, and which of them are new in the landing."""

    rows: dict[str, int]
    batches: dict[str, str]
    changed: list[str]

    def summary(self) -> str:
        counts = ", ".join(f"{rows:,} {name.replace('_', ' ')}" for name, rows in self.rows.items())
        return f"{counts or 'nothing recorded yet'}{'' if self.changed else ' (as before)'}"
