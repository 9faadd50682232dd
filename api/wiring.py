"""Where the parts meet: one object that holds every service of a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from api.auth.rate_limit import RateLimit
from api.auth.sign_in import directory_of, token_verifier
from api.services.lineage_service import LineageService
from api.services.metric_service import MetricService
from api.settings import Settings
from governance.disclosure import GroupControl
from governance.identity import Directory, TokenVerifier
from governance.releases import ReleaseStore
from governance.store import OpsStore
from governance.store.migrate import upgrade

if TYPE_CHECKING:
    from api.services.lineage_events import LineageEvents
    from api.services.model_service import ModelService


@dataclass(frozen=True)
class Services:
    """Everything that routes and commands call."""

    settings: Settings
    releases: ReleaseStore
    metrics: MetricService
    store: OpsStore
    directory: Directory
    tokens: TokenVerifier
    lineage: LineageService
    rate_limit: RateLimit

    @classmethod
    def from_settings(cls, settings: Settings) -> Services:
        """Open the stores that `settings` name and bring the ops store to this version's schema."""
        settings.var_dir.mkdir(parents=True, exist_ok=True)
        releases = ReleaseStore(settings.var_dir)
        store = OpsStore(settings.ops_store_url)
        upgrade(store)
        directory = directory_of(settings)
        tokens = token_verifier(settings, directory)
        metrics = MetricService(releases, settings, GroupControl(store))
        lineage = LineageService(metrics, store)
        rate_limit = RateLimit.per_minute(settings.requests_per_minute, settings.rate_limit_storage)
        return cls(settings, releases, metrics, store, directory, tokens, lineage, rate_limit)

    @cached_property
    def lineage_events(self) -> LineageEvents:
        """Loaded on first use, as the OpenLineage client takes a moment."""
        from api.services.lineage_events import LineageEvents

        return LineageEvents(self.settings)

    @cached_property
    def models(self) -> ModelService:
        """Loaded on first use: the registry brings heavy libraries that most commands never need."""
        from api.services.model_service import ModelService

        return ModelService(self.settings, self.store)

    def close(self) -> None:
        self.metrics.close()
        self.store.close()
