"""Build a release with dbt: models, tests, definitions and lineage in one new folder.

A build reuses of an older release every node whose code and inputs are the same, and builds and tests
the rest.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Collection, Mapping
from importlib import metadata
from pathlib import Path

from governance.json_types import JsonDict
from governance.progress import Progress, silent
from governance.releases.checks import check_definitions_against_data
from governance.releases.errors import ReleaseBuildFailedError
from governance.releases.layout import WAREHOUSE, Release, open_release
from governance.releases.node_keys import node_keys
from governance.releases.publish import BUILDING, ReleaseStore
from governance.releases.reuse import (
    BuildState,
    Plan,
    best_plan,
    copy_reused,
    merged_results,
    models,
    selectors,
)
from governance.releases.run_dbt import DbtRun

_NOT_DEFINITIONS = {"target", "logs", "dbt_packages", "__pycache__"}


def project_fingerprint(
    project_dir: Path,
    landing: Path,
    *,
    without: Collection[str] = (),
    variables: Mapping[str, object] | None = None,
) -> str:
    """SHA-256 over every definition, dbt's `variables` and versions, and the landing's batches with seals.

    A batch is named by the file that it came from; its seal tells if a customer was erased from it since.
    Equal fingerprints mean an equal release, so an unchanged one need not be built again. Landing tables
    `without` don't count: for those who ask whether anything else changed.
    """
    digest = _definitions(project_dir)
    digest.update(json.dumps(variables or {}, sort_keys=True).encode())
    for batch in sorted(landing.glob("*/batch=*")):
        if batch.parent.name not in without:
            seal = batch / "_sha256.json"
            content = seal.read_text(encoding="utf-8") if seal.exists() else ""
            digest.update(f"{batch.relative_to(landing)};{content}".encode())
    return digest.hexdigest()


def _definitions(project_dir: Path) -> hashlib._Hash:
    """The hash, to be gone on with, of every file of the dbt project and of what reads them."""
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-duckdb", "duckdb"):
        digest.update(f"{package}={metadata.version(package)};".encode())
    for path in sorted(project_dir.rglob("*")):
        inside = path.relative_to(project_dir)
        if path.is_file() and not _NOT_DEFINITIONS.intersection(inside.parts):
            digest.update(f"{inside}\0".encode() + path.read_bytes() + b"\0")
    return digest


def build_release(
    store: ReleaseStore,
    *,
    project_dir: Path,
    landing: Path,
    write_lineage: Callable[[Path], object],
    progress: Progress = silent,
    full: bool = False,
    memory_limit: str = "2200MB",
    variables: Mapping[str, object] | None = None,
) -> Release:
    """Run `dbt build` (models and tests) into a new release. It is not published yet.

    With `full` nothing is reused; `variables` replace those of dbt_project.yml; beyond `memory_limit`
    DuckDB spills to disk. `write_lineage` gets the
    folder, with the manifests in it, and writes `lineage.json`. Raises ReleaseBuildFailedError naming the
    first failed model or test; nothing of the attempt stays.
    """
    fingerprint = project_fingerprint(project_dir, landing, variables=variables)
    with store.building(fingerprint) as work:
        target = work.resolve() / "target"  # dbt takes a relative path from its project
        warehouse = work / WAREHOUSE
        dbt = DbtRun(project_dir, landing, warehouse, target, memory_limit, variables=variables)
        dbt.parse(store.var_dir / "cache" / "dbt", _definitions(project_dir).hexdigest())
        earlier = [] if full else store.list()
        plan = None
        if earlier:
            manifest = dbt.compile()
            keys = node_keys(manifest, landing, project_dir)
            plan = best_plan(earlier, manifest, keys)
        if plan is None:
            results = dbt.build(progress)
            manifest = dbt.artifact("manifest.json")
            keys = node_keys(manifest, landing, project_dir)
            state = BuildState(keys, built=tuple(keys))
        else:
            results = _build_rest(dbt, plan, manifest, warehouse, progress)
            state = BuildState(keys, plan.base.release_id, plan.build, tuple(sorted(plan.keep)), plan.drop)
        for name, body in {"manifest.json": manifest, "run_results.json": results}.items():
            (work / name).write_text(json.dumps(body))
        shutil.move(target / "semantic_manifest.json", work)
        state.write(work)
        shutil.rmtree(target)
        shutil.rmtree(f"{warehouse}.tmp", ignore_errors=True)
        check_definitions_against_data(work)
        write_lineage(work)
    return open_release(store.folder / work.name.removeprefix(BUILDING))


def _build_rest(dbt: DbtRun, plan: Plan, manifest: JsonDict, warehouse: Path, progress: Progress) -> JsonDict:
    """Build what cannot be reused on a copy of the base. Returns the run results of the whole release."""
    compiled = dbt.artifact("run_results.json")
    progress(f"taking over {len(models(plan.keep))} models of {plan.base.release_id}", 0, 0)
    copy_reused(plan, manifest, warehouse)
    if not plan.build:
        return merged_results({**compiled, "results": []}, plan.base, plan.keep)
    fresh = dbt.build(progress, selectors(manifest, plan.build))
    missed = set(plan.build) - {result["unique_id"] for result in fresh["results"]}
    if missed:
        raise ReleaseBuildFailedError(
            f"dbt did not run {len(missed)} nodes that have changed, first {min(missed)}.",
            hint="Build in full: `steelyard release build --full`.",
        )
    return merged_results(fresh, plan.base, plan.keep)
