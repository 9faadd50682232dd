"""OpenLineage 1.x run events of builds, trainings, scorings and decisions.

Run ids are derived from what ran (uuid5), so that an event that is sent twice is one run to whoever reads it.
Source: the OpenLineage specification 2-0-2 with the facets columnLineage, schema, version and parent.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    set_producer,
)
from openlineage.client.facet_v2 import (
    column_lineage_dataset,
    dataset_version_dataset,
    job_type_job,
    parent_run,
    schema_dataset,
)

from governance.json_types import JsonDict, JsonObject
from governance.lineage.graph import Edge, LineageGraph

JOBS, LANDING, WAREHOUSE, MODELS, OPS = (
    "steelyard", "steelyard://landing", "steelyard://warehouse", "steelyard://models", "steelyard://ops",
)  # fmt: skip
_PRODUCER = "urn:steelyard"
_IDS = uuid.UUID("6f1a3c52-7d0e-5b52-9b35-1c1d1c7b8f11")
_NAMESPACES = {
    "source": LANDING, "file": LANDING, "model_version": MODELS, "forecast": MODELS, "recommendation": OPS,
    "decision": OPS,
}  # fmt: skip

set_producer(_PRODUCER)


@dataclass(frozen=True)
class Ran:
    """Something that ran: what it read and made, as nodes of the lineage graph.

    `started_at` and `ended_at` are ISO 8601 with zone. `version` is the release, of what was made.
    """

    job: str
    key: str
    reads: Sequence[str]
    makes: Sequence[str]
    started_at: str
    ended_at: str
    kind: str = "JOB"
    version: str = ""
    columns: Mapping[str, Sequence[Edge]] = field(default_factory=dict)
    parent: Ran | None = None


def run_id(job: str, key: str) -> str:
    """The same run, the same id."""
    return str(uuid.uuid5(_IDS, f"{job}\0{key}"))


def events(ran: Ran) -> Iterator[RunEvent]:
    """START, then COMPLETE with what was read and made."""
    run = Run(run_id(ran.job, ran.key), facets=_parent(ran.parent))
    kind = job_type_job.JobTypeJobFacet(processingType="BATCH", integration="STEELYARD", jobType=ran.kind)
    job = Job(JOBS, ran.job, facets={"jobType": kind})
    yield RunEvent(eventTime=ran.started_at, eventType=RunState.START, run=run, job=job)
    yield RunEvent(
        eventTime=ran.ended_at,
        eventType=RunState.COMPLETE,
        run=run,
        job=job,
        inputs=[InputDataset(*dataset(node)) for node in ran.reads],
        outputs=[OutputDataset(*dataset(node), facets=_facets(node, ran)) for node in ran.makes],
    )


def build_runs(graph: LineageGraph, release_id: str, results: JsonObject) -> Iterator[Ran]:
    """The build of a release, then every model that dbt ran in it, from its run_results.json."""
    models = [r for r in results["results"] if r["unique_id"].startswith("model.") and _span(r)]
    if not models:
        return
    spans = [_span(result) for result in models]
    whole = Ran(
        "release.build", release_id, [], [], min(start for start, _ in spans), max(end for _, end in spans)
    )
    yield whole
    reads: dict[str, list[str]] = {}
    columns: dict[str, list[Edge]] = {}
    for edge in graph.edges:
        if edge.level == "model":
            reads.setdefault(edge.target, []).append(edge.source)
        elif edge.level == "column":
            columns.setdefault(_table(edge.target), []).append(edge)
    for result, (start, end) in zip(models, spans, strict=True):
        name = result["unique_id"].rpartition(".")[2]
        node = f"feature.{name}" if name.startswith("feat_") else f"model.{name}"
        yield Ran(
            f"dbt.{name}", release_id, sorted(reads.get(node, ())), [node], start, end, "MODEL", release_id,
            {node: columns.get(name, ())}, whole,
        )  # fmt: skip


def dataset(node: str) -> tuple[str, str]:
    """Namespace and name of a node of the graph."""
    kind, _, name = node.partition(".")
    return _NAMESPACES.get(kind, WAREHOUSE), name.removeprefix("landing.") if kind == "source" else name


def _span(result: JsonObject) -> tuple[str, str]:
    timing = [t for t in result.get("timing") or () if t.get("started_at") and t.get("completed_at")]
    return (timing[0]["started_at"], timing[-1]["completed_at"]) if timing else ("", "")


def _parent(parent: Ran | None) -> JsonDict:
    if parent is None:
        return {}
    run, job = parent_run.Run(run_id(parent.job, parent.key)), parent_run.Job(JOBS, parent.job)
    return {"parent": parent_run.ParentRunFacet(run=run, job=job)}


def _facets(node: str, ran: Ran) -> JsonDict:
    facets: JsonDict = {}
    if ran.version:
        facets["version"] = dataset_version_dataset.DatasetVersionDatasetFacet(ran.version)
    edges = ran.columns.get(node, ())
    column_names = sorted({e.target for e in edges if e.target.startswith("column.")})
    if column_names:
        names = [schema_dataset.SchemaDatasetFacetFields(name.rpartition(".")[2]) for name in column_names]
        facets["schema"] = schema_dataset.SchemaDatasetFacet(fields=names)
        facets["columnLineage"] = _column_lineage(edges, column_names)
    return facets


def _column_lineage(
    edges: Sequence[Edge], column_names: Sequence[str]
) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """Direct origins by field; what decides the rows is for the dataset as a whole."""
    facet = column_lineage_dataset
    direct: dict[str, list[column_lineage_dataset.InputField]] = {
        name.rpartition(".")[2]: [] for name in column_names
    }
    deciding = []
    for edge in edges:
        if not edge.source.startswith("column."):
            continue
        kind = facet.Transformation(type=edge.kind.upper())
        origin = facet.InputField(*_origin(edge.source), transformations=[kind])
        if edge.target.startswith("rows."):
            deciding.append(origin)
        else:
            direct[edge.target.rpartition(".")[2]].append(origin)
    fields = {name: facet.Fields(inputFields=origins) for name, origins in direct.items() if origins}
    return facet.ColumnLineageDatasetFacet(fields=fields, dataset=deciding)


def _origin(column: str) -> tuple[str, str, str]:
    table, _, name = column.partition(".")[2].rpartition(".")
    if table.startswith("landing."):
        return LANDING, table.removeprefix("landing."), name
    return WAREHOUSE, table, name


def _table(target: str) -> str:
    """The model that a column or a row set belongs to."""
    kind, _, rest = target.partition(".")
    return rest if kind == "rows" else rest.rpartition(".")[0]
