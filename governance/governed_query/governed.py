"""Parse → authorize → plan → probe → suppress → run, for one reader and one release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from governance.disclosure import GroupControl
from governance.errors import ForbiddenError
from governance.governed_query.answer import GovernedAnswer
from governance.governed_query.cancellation import check_wanted
from governance.governed_query.open_releases import OpenRelease, OpenReleases
from governance.identity.principal import Principal
from governance.policy.restriction import authorize, for_listing
from semantic import CompiledQuery, MetricQuery, ParsedQuery, Restriction
from semantic.definitions.catalog import Metric

Question = MetricQuery | ParsedQuery | str
"""A metric query, one that was parsed already, or semantic SQL."""


class GovernedQueries:
    """Answers readers from releases. Safe to share between threads.

    A reader of None is the local operator, who owns the files anyway: nothing is hidden. Without `groups`
    the operator gets every answer and readers get none about households.
    """

    def __init__(
        self,
        releases: OpenReleases,
        groups: GroupControl | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._releases = releases
        self._groups = groups
        self._now = now

    def opened(self, release_id: str | None = None) -> OpenRelease:
        """The release of that name, else the current one.

        Raises ReleaseNotFoundError or ReleaseCorruptError.
        """
        return self._releases.get(release_id)

    def answer(
        self, question: Question, reader: Principal | None, release_id: str | None = None
    ) -> GovernedAnswer:
        """Run a question, without the groups that would tell of few households.

        Raises what `SemanticLayer.parse` and `compile` raise, and ForbiddenError if the question needs two
        purposes or tells households apart by too many dimensions.
        """
        opened = self.opened(release_id)
        query = parsed(opened, question)
        restriction = self.restriction(opened, query, reader)
        compiled, withheld = opened.layer.compile(query, restriction=restriction), False
        threshold = restriction.minimum_group if restriction is not None else None
        if reader is not None and restriction is not None and threshold is not None and compiled.probes:
            if self._groups is None:
                raise ForbiddenError("Groups of households cannot be judged here, so none are shown.")
            threshold = self._groups.suppress(
                reader.user, compiled.probes, opened.engine.run, threshold, now=self._now()
            )
            withheld = bool(threshold.suppressed)
            if withheld:
                suppressed = replace(restriction, minimum_group=threshold)
                compiled = opened.layer.compile(query, restriction=suppressed)
        return GovernedAnswer(
            opened.engine.run(compiled), opened.release.release_id, compiled, withheld, opened.layer.as_of
        )

    def compile(
        self, question: Question, reader: Principal | None, release_id: str | None = None
    ) -> CompiledQuery:
        """The SQL that would answer, with the restriction inside it."""
        opened = self.opened(release_id)
        query = parsed(opened, question)
        return opened.layer.compile(query, restriction=self.restriction(opened, query, reader))

    def explain(self, question: Question, reader: Principal | None, release_id: str | None = None) -> str:
        """The logical plan as text."""
        opened = self.opened(release_id)
        query = parsed(opened, question)
        return opened.layer.explain(query, restriction=self.restriction(opened, query, reader))

    def metrics(self, reader: Principal | None, release_id: str | None = None) -> tuple[Metric, ...]:
        """Every metric that the reader may see for some purpose, by name."""
        opened = self.opened(release_id)
        return opened.layer.metrics(self.listing(opened, reader))

    def metric(self, name: str, reader: Principal | None, release_id: str | None = None) -> Metric:
        """One metric. Raises UnknownNameError, with the near miss, if there is none for this reader."""
        opened = self.opened(release_id)
        return opened.layer.metric(name, self.listing(opened, reader))

    def dimensions(
        self, metrics: list[str], reader: Principal | None, release_id: str | None = None
    ) -> tuple[str, ...]:
        """Names that every one of `metrics` can be grouped by, of those that the reader may see."""
        opened = self.opened(release_id)
        return opened.layer.dimensions(metrics, self.listing(opened, reader))

    def restriction(
        self, opened: OpenRelease, query: ParsedQuery, reader: Principal | None
    ) -> Restriction | None:
        """What policy hides from the reader in a query, and the names that it may use."""
        check_wanted()
        return None if reader is None else authorize(replace(reader, token_id=None), query, opened.tags)

    def listing(self, opened: OpenRelease, reader: Principal | None) -> Restriction | None:
        """What is left out of a catalogue for the reader."""
        return None if reader is None else for_listing(replace(reader, token_id=None), opened.tags)

    def close(self) -> None:
        """Give the warehouses back."""
        self._releases.close()


def parsed(opened: OpenRelease, question: Question) -> ParsedQuery:
    """The question with its names read, by the definitions of the release that answers it."""
    return question if isinstance(question, ParsedQuery) else opened.layer.parse(question)
