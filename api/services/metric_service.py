"""Metric questions, answered from a release under a reader's restriction: the one path for REST and CLI."""

from __future__ import annotations

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from api.settings import Settings
from governance.disclosure import GroupControl
from governance.errors import ForbiddenError, NotFoundError
from governance.identity import Principal
from governance.policy.restriction import for_query
from governance.policy.tags import TaggedCatalog
from governance.releases import Release, ReleaseCorruptError, ReleaseStore
from semantic import CompiledQuery, Engine, MetricQuery, Restriction, SemanticLayer, parse_semantic_sql
from semantic.definitions.catalog import Dimension, Metric
from semantic.errors import UnknownNameError

_log = logging.getLogger("steelyard.api")
_RELEASES_KEPT_OPEN = 3


@dataclass(frozen=True)
class Opened:
    """A release ready to answer."""

    release: Release
    layer: SemanticLayer
    engine: Engine
    tags: TaggedCatalog


@dataclass(frozen=True)
class Answer:
    """A governed result: the rows as Arrow, and the release and SQL that they came from.

    `withheld`: groups are left out because few households are behind them, or could be told from them.
    """

    table: pa.Table
    release_id: str
    compiled: CompiledQuery
    withheld: bool = False

    def as_dict(self) -> dict[str, Any]:
        """`{"columns": [{"name", "type"}…], "rows": [[…]…], "release": …, "rollups": […]}`."""
        columns = [{"name": f.name, "type": _type_name(f.type)} for f in self.table.schema]
        values = [column.to_pylist() for column in self.table.columns]
        rows = [list(row) for row in zip(*values, strict=True)]
        rollups = list(self.compiled.rollups)
        return {"columns": columns, "rows": rows, "release": self.release_id, "rollups": rollups}


class MetricService:
    """Opens releases on demand, keeps the last few, and sees a new one on the next call.

    Without `groups` the operator gets every answer, readers none about households.
    """

    def __init__(
        self, releases: ReleaseStore, settings: Settings, groups: GroupControl | None = None
    ) -> None:
        self._releases = releases
        self._groups = groups
        self._settings = settings
        self._open: OrderedDict[str, Opened] = OrderedDict()
        self._lock = threading.Lock()

    def opened(self, release_id: str | None = None) -> Opened:
        """The release of that name, or the current one; where that is damaged, the last good one before it.

        Raises ReleaseNotFoundError or ReleaseCorruptError.
        """
        if release_id is not None:
            return self._opened(release_id)
        try:
            return self._opened(self._releases.current_id() or self._releases.current().release_id)
        except ReleaseCorruptError as refused:
            last_good = self._releases.serving().release_id
            if last_good == self._releases.current_id():  # its seal holds, and yet it cannot be opened
                raise
            _log.error("%s; %s answers", refused.message, last_good)
            return self._opened(last_good)

    def _opened(self, wanted: str) -> Opened:
        with self._lock:
            if wanted in self._open:
                self._open.move_to_end(wanted)
                return self._open[wanted]
            release = self._releases.get(wanted)
            opened = self._load(release)
            self._open[release.release_id] = opened
            while len(self._open) > _RELEASES_KEPT_OPEN:
                self._open.popitem(last=False)
            return opened

    def restriction(
        self, opened: Opened, principal: Principal | None, names: Iterable[str]
    ) -> Restriction | None:
        """What the policy hides from `principal` in a query that names `names`.

        None, nothing hidden, for the local operator, who owns the files anyway.
        """
        if principal is None:
            return None
        return for_query(replace(principal, token_id=None), opened.tags, names)

    def compile(
        self, query: MetricQuery, principal: Principal | None, release_id: str | None = None
    ) -> CompiledQuery:
        """The SQL that would answer, with the restriction inside it."""
        opened = self.opened(release_id)
        return opened.layer.compile(query, restriction=self.restriction(opened, principal, _names(query)))

    def answer(
        self, query: MetricQuery, principal: Principal | None, release_id: str | None = None
    ) -> Answer:
        """Run a metric query."""
        opened = self.opened(release_id)
        restriction = self.restriction(opened, principal, _names(query))
        return self._run(opened, principal, restriction, lambda r: opened.layer.compile(query, restriction=r))

    def answer_sql(self, sql: str, principal: Principal | None, release_id: str | None = None) -> Answer:
        """Run semantic SQL: `SELECT product__department, MEASURE(net_sales) FROM metrics GROUP BY ALL`."""
        opened = self.opened(release_id)
        restriction = self.restriction(opened, principal, [sql, *re.findall(r"\w+", sql)])
        return self._run(
            opened, principal, restriction, lambda r: parse_semantic_sql(opened.layer, sql, restriction=r)
        )

    def _run(
        self,
        opened: Opened,
        principal: Principal | None,
        restriction: Restriction | None,
        compiled_under: Callable[[Restriction | None], CompiledQuery],
    ) -> Answer:
        """Run under the restriction, and without the groups that would tell of few households."""
        compiled, withheld = compiled_under(restriction), False
        floor = restriction.minimum_group if restriction is not None else None
        if principal is not None and restriction is not None and floor is not None and compiled.probes:
            if self._groups is None:
                raise ForbiddenError("groups of households cannot be judged here, so none are shown")
            floor = self._groups.suppress(
                principal.user, compiled.probes, opened.engine.run, floor, now=datetime.now(UTC)
            )
            withheld = bool(floor.suppressed)
            compiled = compiled_under(replace(restriction, minimum_group=floor)) if withheld else compiled
        return Answer(opened.engine.run(compiled), opened.release.release_id, compiled, withheld)

    def explain(self, query: MetricQuery, principal: Principal | None, release_id: str | None = None) -> str:
        """The logical plan as text."""
        opened = self.opened(release_id)
        return opened.layer.explain(query, restriction=self.restriction(opened, principal, _names(query)))

    def describe_metrics(
        self, principal: Principal | None, release_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Every metric that the reader may see, by name."""
        opened = self.opened(release_id)
        return [_describe(m) for m in opened.layer.metrics(self.restriction(opened, principal, ()))]

    def describe_metric(
        self, name: str, principal: Principal | None, release_id: str | None = None
    ) -> dict[str, Any]:
        """One metric. Raises NotFoundError, with the near miss, where it does not exist for this reader."""
        opened = self.opened(release_id)
        try:
            return _describe(opened.layer.metric(name, self.restriction(opened, principal, [name])))
        except UnknownNameError as error:
            raise NotFoundError(error.message, hint=error.hint) from error

    def describe_dimensions(
        self, metrics: list[str], principal: Principal | None, release_id: str | None = None
    ) -> list[dict[str, Any]]:
        """Names that every one of `metrics` can be grouped by."""
        opened = self.opened(release_id)
        names = opened.layer.dimensions(metrics, self.restriction(opened, principal, ()))
        known = opened.layer.catalog.dimension_words()
        return [_describe_dimension(name, known) for name in names]

    def close(self) -> None:
        with self._lock:
            for opened in self._open.values():
                opened.engine.close()
            self._open.clear()

    def _load(self, release: Release) -> Opened:
        engine = self._engine(release)
        catalog = SemanticLayer.from_manifest(release.semantic_manifest).catalog
        layer = SemanticLayer(catalog, engine.statistics(catalog))
        return Opened(release, layer, engine, TaggedCatalog.from_manifest(release.semantic_manifest))

    def _engine(self, release: Release) -> Engine:
        return Engine(
            release.warehouse,
            max_rows=self._settings.query_max_rows,
            timeout_seconds=self._settings.query_timeout_seconds,
            memory_limit=self._settings.query_memory,
        )


def _names(query: MetricQuery) -> list[str]:
    """Everything that a query names; the policy's purpose and smallest group follow from it."""
    return [*query.metrics, *query.group_by, *query.where, *query.order_by]


def _describe(metric: Metric) -> dict[str, Any]:
    meta = metric.meta
    return {
        "name": metric.name,
        "label": metric.label or metric.name,
        "description": metric.description,
        "type": metric.kind,
        "unit": str(meta.get("unit", "")),
        "direction": str(meta.get("direction", "")),
        "owner": str(meta.get("owner", "")),
        "certification": str(meta.get("certification", "")),
        "is_simulated": bool(meta.get("is_simulated", False)),
        "target": meta.get("target"),
    }


def _describe_dimension(name: str, known: Mapping[str, Dimension]) -> dict[str, Any]:
    """A group-by name: `product__supplier__supplier_name` is the supplier's own dimension, further away."""
    *path, element = name.split("__")
    found = known.get("__".join([*path[-1:], element]))
    label = found.label if found is not None and found.label else _words(path, element, known)
    is_time = name == "metric_time" or (found is not None and found.is_time)
    kind = "time" if is_time else "categorical" if found is not None else "entity"
    return {"name": name, "label": label, "description": found.description if found else "", "type": kind}


def _words(path: list[str], element: str, known: Mapping[str, Dimension]) -> str:
    """The element as people say it, with what it belongs to where that is not clear."""
    spoken = element.removeprefix("metric_").replace("_", " ").capitalize()
    owners = {name.split("__")[0] for name in known if name.split("__")[-1] == element}
    if path and len({*owners, path[-1]}) > 1:
        return f"{spoken} · {path[-1].replace('_', ' ')}"
    return spoken if len(path) < 2 else f"{spoken} · of the {path[0].replace('_', ' ')}"


def _type_name(kind: pa.DataType) -> str:
    """A name that a client in any language understands."""
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_integer(kind):
        return "integer"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind):
        return "date"
    return "timestamp" if pa.types.is_timestamp(kind) else "string"
