"""dbt in this process: one parse at most, then as many commands on it as a build needs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import duckdb

from governance.json_types import JsonDict
from governance.progress import Progress
from governance.releases.errors import ReleaseBuildFailedError
from semantic.definitions.time_zone import UTC, time_zone_of
from semantic.errors import ManifestError

"""Called with what finished, how many nodes are done, and how many there are (0: not known yet)."""

Json: TypeAlias = JsonDict
_WAREHOUSE, _TIME_ZONE = "STEELYARD_WAREHOUSE", "STEELYARD_TIME_ZONE"
_PARSED, _SEMANTIC = "partial_parse.msgpack", "semantic_manifest.json"


class DbtRun:
    """A dbt project run against one warehouse file. Every method raises ReleaseBuildFailedError."""

    def __init__(
        self,
        project_dir: Path,
        landing: Path,
        warehouse: Path,
        target: Path,
        memory_limit: str = "2200MB",
        *,
        variables: Mapping[str, object] | None = None,
    ) -> None:
        from dbt.cli.main import dbtRunner  # two seconds to import: only if dbt runs

        self._runner = dbtRunner
        self._target = target
        self._options = ["--project-dir", str(project_dir), "--profiles-dir", str(project_dir)]
        self._options += ["--target-path", str(target), "--log-path", str(target / "logs"), "--quiet"]
        self._given = json.dumps(dict(variables or {}), sort_keys=True)
        self._options += ["--vars", self._given]
        self._variables = {
            "STEELYARD_LANDING": str(landing.resolve()),
            _WAREHOUSE: str(warehouse.resolve()),
            "STEELYARD_BUILD_MEMORY": memory_limit,
            _TIME_ZONE: UTC,
            "DO_NOT_TRACK": "1",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        self._warehouse = warehouse
        self._parsed: Any = None

    def parse(self, cache: Path, definitions: str) -> None:
        """Read the project, or take what was read of it before: parsing takes longer than a small build.

        `cache` is a folder that keeps the last reading. It is used only if `definitions`, the hash of
        every file of the project, the variables, and every environment variable that it asked for are the
        same.
        """
        environment = json.dumps(self._variables | {_WAREHOUSE: ""}, sort_keys=True)
        cached = cache / hashlib.sha256(f"{definitions}{environment}{self._given}".encode()).hexdigest()
        if cached.is_dir():
            parsed = _read_back((cached / _PARSED).read_bytes())
            if _same_environment(parsed.env_vars, self._variables):
                self._parsed = parsed
                self._target.mkdir(parents=True, exist_ok=True)
                shutil.copy(cached / _SEMANTIC, self._target)
                self._use_time_zone()
                return
        self._parsed = self._invoke("parse").result
        self._use_time_zone()
        if not (self._target / _PARSED).exists():  # dbt is configured not to keep it
            return
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            fresh = Path(folder) / "kept"
            fresh.mkdir()
            for name in (_PARSED, _SEMANTIC):
                shutil.copy(self._target / name, fresh)
            for old in cache.iterdir():
                if old != Path(folder):
                    shutil.rmtree(old, ignore_errors=True)
            fresh.rename(cached)

    def _use_time_zone(self) -> None:
        """Let instants fall on days in the retailer's zone from here on: the profile reads the variable."""
        nodes = [{"name": n.name, "config": {"meta": n.config.meta}} for n in self._parsed.nodes.values()]
        try:
            self._variables[_TIME_ZONE] = time_zone_of(nodes)
        except ManifestError as error:
            raise ReleaseBuildFailedError(error.message, hint=error.hint) from error

    def compile(self) -> Json:
        """Compile every node of what was parsed, building nothing. Returns the manifest."""
        self._invoke("compile")
        self.checkpoint()
        return self.artifact("manifest.json")

    def build(self, progress: Progress, only: Iterable[str] | None = None) -> Json:
        """Build and test everything, or the nodes of these selectors alone. Returns dbt's run results."""
        chosen: Json = {} if only is None else {"select": tuple(only), "indirect_selection": "empty"}
        self._invoke("build", progress, **chosen)
        self.checkpoint()
        return self.artifact("run_results.json")

    def artifact(self, name: str) -> Json:
        """One of the JSON files that the last command left, without the command line of the process.

        dbt writes it down whoever calls it, and a release is kept: it may name what is to be forgotten.
        """
        content: Json = dict(json.loads((self._target / name).read_text()))
        if isinstance(content.get("args"), dict):
            content["args"].pop("invocation_command", None)
        return content

    def checkpoint(self) -> None:
        """Fold the write-ahead log into the file: a sealed release is one file that never changes again."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager

        connections: Any = DuckDBConnectionManager  # dbt-duckdb leaves the call untyped
        connections.close_all_connections()
        with duckdb.connect(str(self._warehouse)) as connection:
            connection.execute("CHECKPOINT")

    def _invoke(self, command: str, progress: Progress | None = None, **chosen: object) -> Any:
        done, total = 0, 0

        def on_event(event: Any) -> None:
            nonlocal done, total
            if progress is None:
                return
            if event.info.name == "ConcurrencyLine":
                total = event.data.node_count
            elif event.info.name == "NodeFinished":
                done += 1
                progress(event.data.node_info.node_name, done, total)

        with _environment(self._variables):
            runner = self._runner(manifest=self._parsed, callbacks=[on_event])
            result = runner.invoke([command, *self._options], **chosen)
        if not result.success:
            reason = _first_failure(self._target, result.exception)
            raise ReleaseBuildFailedError(reason, hint="The last release keeps serving.")
        return result


def _read_back(packed: bytes) -> Any:
    """dbt's own reading of what it parsed before, as it stands after a parse that found nothing changed."""
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    manifest = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest


def _same_environment(read: Mapping[str, str], ours: Mapping[str, str]) -> bool:
    """Every variable that the project asked for while it was parsed (dbt notes them) is as it was then."""
    from dbt.constants import DEFAULT_ENV_PLACEHOLDER

    now = os.environ | ours
    return all(now.get(name, DEFAULT_ENV_PLACEHOLDER) == value for name, value in read.items())


def _first_failure(target: Path, exception: BaseException | None) -> str:
    """One sentence on what failed, from run_results.json if dbt got that far."""
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
