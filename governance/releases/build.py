"""Build a release with dbt: models, tests, definitions and lineage in one new folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb

from governance.releases.errors import ReleaseBuildFailed
from governance.releases.layout import WAREHOUSE, Release, open_release
from governance.releases.publish import BUILDING, ReleaseStore

Progress = Callable[[str, int, int], None]
"""Called with what finished, how many nodes are done, and how many there are (0: not known yet)."""

_NOT_DEFINITIONS = {"target", "logs", "dbt_packages", "__pycache__"}


def project_fingerprint(project_dir: Path, landing: Path) -> str:
    """SHA-256 over every definition, the content-addressed landing batches, and dbt's versions.

    Equal fingerprints mean an equal release, so an unchanged one need not be built again.
    """
    digest = hashlib.sha256()
    for package in ("dbt-core", "dbt-duckdb", "duckdb"):
        digest.update(f"{package}={metadata.version(package)};".encode())
    for path in sorted(project_dir.rglob("*")):
        inside = path.relative_to(project_dir)
        if path.is_file() and not _NOT_DEFINITIONS.intersection(inside.parts):
            digest.update(f"{inside}\0".encode() + path.read_bytes() + b"\0")
    for batch in sorted(landing.glob("*/batch=*")):
        digest.update(f"{batch.relative_to(landing)};".encode())
    return digest.hexdigest()


def build_release(
    store: ReleaseStore,
    *,
    project_dir: Path,
    landing: Path,
    write_lineage: Callable[[Path], None],
    progress: Progress = lambda what, done, total: None,
) -> Release:
    """Run `dbt build` (models and tests) into a new release. It is not published yet.

    `write_lineage` gets the folder, with the manifests in it, and writes `lineage.json`.
    Raises ReleaseBuildFailed naming the first failed model or test; nothing of the attempt stays.
    """
    fingerprint = project_fingerprint(project_dir, landing)
    with store.building(fingerprint) as work:
        target = work.resolve() / "target"  # dbt takes a relative path from its project
        _run_dbt(project_dir, landing, work / WAREHOUSE, target, progress)
        _settle(work / WAREHOUSE)
        for name in ("manifest.json", "semantic_manifest.json", "run_results.json"):
            shutil.move(target / name, work / name)
        shutil.rmtree(target)
        write_lineage(work)
    return open_release(store.folder / work.name.removeprefix(BUILDING))


def _run_dbt(project_dir: Path, landing: Path, warehouse: Path, target: Path, progress: Progress) -> None:
    from dbt.cli.main import dbtRunner  # two seconds to import: only where dbt runs

    done, total = 0, 0

    def on_event(event: Any) -> None:
        nonlocal done, total
        if event.info.name == "ConcurrencyLine":
            total = event.data.node_count
        elif event.info.name == "NodeFinished":
            done += 1
            progress(event.data.node_info.node_name, done, total)

    arguments = ["build", "--project-dir", str(project_dir), "--profiles-dir", str(project_dir)]
    arguments += ["--target-path", str(target), "--log-path", str(target / "logs"), "--quiet"]
    variables = {"STEELYARD_LANDING": str(landing.resolve()), "STEELYARD_WAREHOUSE": str(warehouse.resolve())}
    with _environment(variables | {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}):
        result = dbtRunner(callbacks=[on_event]).invoke(arguments)
    if not result.success:
        reason = _first_failure(target, result.exception)
        raise ReleaseBuildFailed(reason, hint="The last release keeps serving.")


def _settle(warehouse: Path) -> None:
    """Fold the write-ahead log into the file: a sealed release is one file that never changes again."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    connections: Any = DuckDBConnectionManager  # dbt-duckdb leaves the call untyped
    connections.close_all_connections()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("CHECKPOINT")
    shutil.rmtree(f"{warehouse}.tmp", ignore_errors=True)


def _first_failure(target: Path, exception: BaseException | None) -> str:
    """One sentence on what failed, from run_results.json where dbt got that far."""
    try:
        results = json.loads((target / "run_results.json").read_text())["results"]
    except (OSError, ValueError, KeyError):
        return f"dbt could not start the build: {exception or 'see its log'}"
    failed = [r for r in results if r["status"] in {"error", "fail"}]
    if not failed:
        return f"dbt failed: {exception or 'no reason given'}"
    first = failed[0]
    return f"{len(failed)} of {len(results)} dbt nodes failed, first {first['unique_id']}: {first['message']}"


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """dbt's profile reads these; put back as it was afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
