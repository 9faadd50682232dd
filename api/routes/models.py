"""`/v1/models`: registered versions, what they scored in evaluation, and who approved them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.deps import CurrentUser, ServicesDep
from api.problems import document

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
    review: dict[str, Any] | None = Field(examples=[{"decision": "approve", "by": "ml_reviewer"}])


class ModelsAnswer(BaseModel):
    items: list[ModelRow]


@router.get("", responses=document(401, 403, 422))
def list_models(user: CurrentUser, services: ServicesDep) -> ModelsAnswer:
    """Versions, newest first."""
    return ModelsAnswer(items=[ModelRow.model_validate(row) for row in services.models.versions()])
