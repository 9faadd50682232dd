"""The retraining and fallback policy, read from `drift_policy.yaml`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

REFERENCE_WEEKS = 13  # a week is compared with so many weeks before it
LEAST_REFERENCE = 8
WATCHED_WEEKS = 20  # origins whose distance is reported: enough to learn what is quiet, and the newest
SAMPLED_SERIES = 1500  # at each origin
SEED = 20170101

Response = Literal["rule", "person", "nothing"]


class Retrain(BaseModel):
    """Limits past which a model is trained again; shares lie in 0–1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drift_share: float = Field(gt=0, le=1)
    alert_weeks: int = Field(ge=1)
    weeks_since_training: int = Field(ge=1)
    error_alert: bool
    gain_lost: float


class TrainingRange(BaseModel):
    """How far outside what training has seen the model may still be asked."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level_times: float = Field(ge=1)
    features_outside: float = Field(gt=0, le=1)


class Policy(BaseModel):
    """`while_alerting` says for each kind of finding who forecasts its segment: the baseline, or a person
    looks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retrain: Retrain
    while_alerting: dict[str, Response]
    training_range: TrainingRange


@cache
def default_policy() -> Policy:
    """The policy beside this file. Raises pydantic's ValidationError where it is malformed."""
    return Policy.model_validate(yaml.safe_load(Path(__file__).with_name("drift_policy.yaml").read_text()))
