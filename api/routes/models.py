"""`/v1/models`: registered versions, what they scored in evaluation, and who approved them."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import CurrentUser, ServicesDep
from api.pipeline.monitor import last_monitored
from api.pipeline.results import Alert, MonitorResult, RetrainAdvice
from api.problems import document
from governance.errors import NotFoundError
from models_ml.drift import report_name
from models_ml.models import MODELS

router = APIRouter(prefix="/v1/models", tags=["models"])


class ModelRow(BaseModel):
    """One registered version."""

    name: str = Field(examples=["demand"])
    version: str = Field(examples=["3"])
    aliases: list[str] = Field(examples=[["champion"]])
    digest: str = Field(description="of the artifact that was reviewed")
    release_id: str = Field(description="the release that it was trained on")
    git_commit: str
    trained_by: str
    trained_through_week: int
    metrics: dict[str, float] = Field(examples=[{"category_demand_wape": 0.59}])
    review: dict[str, str] | None = Field(examples=[{"decision": "approve", "by": "ml_reviewer"}])


class ModelsAnswer(BaseModel):
    items: list[ModelRow]


@router.get("", responses=document(401, 403, 422))
def list_models(user: CurrentUser, services: ServicesDep) -> ModelsAnswer:
    """Versions, newest first."""
    return ModelsAnswer(items=[ModelRow.model_validate(row.as_dict()) for row in services.models.versions()])


class Monitoring(BaseModel):
    """What the last monitoring run found."""

    release_id: str
    week: int = Field(description="the week that was compared with those before it")
    drift_share: float = Field(description="drifted features ÷ watched features")
    alerts: list[Alert] = Field(description="open alerts: kind, feature, segment, finding")
    retrain: RetrainAdvice
    report: str | None = Field(
        examples=["/v1/reports/20170101T000000-0123abcd/drift_demand.html"],
        description="the page of Evidently's report; for readers of all regions and departments",
    )


class ModelAnswer(BaseModel):
    """A model: its versions, newest first, and how it is doing."""

    name: str
    versions: list[ModelRow]
    monitoring: Monitoring | None


@router.get("/{name}", responses=document(401, 403, 404, 422))
def one_model(name: str, user: CurrentUser, services: ServicesDep) -> ModelAnswer:
    """Versions of one model, open alerts, advice on retraining, and where the report is."""
    versions = services.models.versions(name)
    if not versions:
        raise NotFoundError(f"There is no model {name!r}.", hint="GET /v1/models lists them")
    spec = MODELS.get(name)
    last_run = last_monitored(services.settings) if spec is not None and spec.is_watched else None
    sees_all = all("*" in reach for reach in (user.regions, user.departments, user.stores, user.banners))
    return ModelAnswer(
        name=name,
        versions=[ModelRow.model_validate(row.as_dict()) for row in versions],
        monitoring=_monitoring(name, last_run, sees_all=sees_all) if last_run else None,
    )


def _monitoring(name: str, last_run: MonitorResult, *, sees_all: bool) -> Monitoring:
    """Alerts and the report are about every region and department, for those who may see them all."""
    return Monitoring(
        release_id=last_run.release_id,
        week=last_run.week,
        drift_share=last_run.drift_share,
        alerts=[alert for alert in last_run.alerts if sees_all and alert.model_name in ("", name)],
        retrain=last_run.retrain,
        report=f"/v1/reports/{last_run.release_id}/{report_name(name)}" if sees_all else None,
    )
