"""Where the parts meet: one object that holds every service of a process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from api.settings import Settings

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from api.admission import Admission
    from api.auth.rate_limit import RateLimit
    from api.services.lineage_events import LineageEvents
    from api.services.lineage_service import LineageService
    from api.services.metric_service import MetricService
    from api.services.model_service import ModelService
    from governance.identity import Directory, TokenVerifier
    from governance.releases import ReleaseStore
    from governance.store import OpsStore


@dataclass(frozen=True)
class Services:
    """Everything that routes and commands call. Each part is imported and opened on first use.

    A command thus pays for what it needs, and a process that serves calls `open` first.
    """

    settings: Settings
    serves: bool = False

    @classmethod
    def from_settings(cls, settings: Settings, *, serves: bool = False) -> Services:
        """Services on the state that `settings` name; nothing is opened yet. `serves`: for many readers."""
        settings.var_dir.mkdir(parents=True, exist_ok=True)
        return cls(settings, serves)

    def open(self) -> Services:
        """Open what every request needs. Raises SteelyardError if the settings cannot be served."""
        for part in ("tokens", "store", "metrics", "lineage", "rate_limit", "admission", "short_work"):
            getattr(self, part)
        return self

    @cached_property
    def releases(self) -> ReleaseStore:
        """What was built, and which of it serves."""
        from governance.releases import ReleaseStore

        return ReleaseStore(self.settings.var_dir)

    @cached_property
    def currency(self) -> str:
        """The reporting currency of every amount, by ISO 4217; XXX if the retailer names none."""
        from integrations.retailer import retailer_of

        return retailer_of(self.settings.retailer, self.settings.source).currency

    @cached_property
    def store(self) -> OpsStore:
        """The ops store, in this version's schema."""
        from api.services.ops_store import open_ops_store

        return open_ops_store(self.settings)

    @cached_property
    def metrics(self) -> MetricService:
        """Governed numbers."""
        from api.services.metric_service import MetricService
        from governance.disclosure import GroupControl

        groups = GroupControl(self.store, largest_share=self.settings.largest_share)
        return MetricService(self.releases, self.settings, groups, isolated=self.serves)

    @cached_property
    def directory(self) -> Directory:
        """People and services."""
        from api.auth.sign_in import directory_of

        return directory_of(self.settings)

    @cached_property
    def tokens(self) -> TokenVerifier:
        """Checks tokens. Raises SettingsInvalidError or ForbiddenError."""
        from api.auth.sign_in import token_verifier

        return token_verifier(self.settings, self.directory)

    @cached_property
    def lineage(self) -> LineageService:
        """The graph of the release and of what was decided on it."""
        from api.services.lineage_service import LineageService

        return LineageService(self.metrics, self.store)

    @cached_property
    def admission(self) -> Admission:
        """Whose turn it is to be worked for."""
        from api.admission import Admission, WorkLimits

        cores = os.cpu_count() or 1
        return Admission(
            WorkLimits(
                at_once=min(max(4 * cores, 8), 32),  # fewer than the threads of the web framework
                of_one=self.settings.requests_at_once or cores,
                waiting_of_one=self.settings.requests_waiting,
                patience_seconds=self.settings.query_timeout_seconds,
            )
        )

    @cached_property
    def short_work(self) -> ThreadPoolExecutor:
        """Threads for sign-in and readiness."""
        from concurrent.futures import ThreadPoolExecutor

        return ThreadPoolExecutor(4, thread_name_prefix="short-work")

    @cached_property
    def rate_limit(self) -> RateLimit:
        """How often one identity may ask."""
        from api.auth.rate_limit import RateLimit

        return RateLimit.per_minute(self.settings.requests_per_minute, self.settings.rate_limit_storage)

    @cached_property
    def lineage_events(self) -> LineageEvents:
        """Reports what ran to the outside."""
        from api.services.lineage_events import LineageEvents

        return LineageEvents(self.settings)

    @cached_property
    def models(self) -> ModelService:
        """Model versions and their reviews; the registry brings heavy libraries."""
        from api.services.model_service import ModelService

        return ModelService(self.settings, self.store)

    def close(self) -> None:
        """Give back what was opened."""
        if "metrics" in self.__dict__:
            self.metrics.close()
        if "store" in self.__dict__:
            self.store.close()
        if "short_work" in self.__dict__:  # an application may be started again
            self.__dict__.pop("short_work").shutdown(wait=False)
