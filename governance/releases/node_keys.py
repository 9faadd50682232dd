"""What decides the content of each dbt node, in one hash: its code, its config and everything it reads.

Two nodes of equal key hold equal rows, so one may be taken over for the other. Compiled code is hashed, not
the file: a macro, a variable or an environment variable that changes what runs changes the key, and one that
changes nothing does not. A node that reads the clock, draws at random or reads what is not landed never
equals another.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TypeAlias

from governance.json_types import JsonObject

Manifest: TypeAlias = JsonObject

_FOOTER_BYTES = 1 << 16
_DESCRIBING = {"meta", "tags", "docs", "group", "access", "freshness", "static_analysis", "enabled"}
_UNREPEATABLE = re.compile(
    r"\b(current_(date|time|timestamp)|localtime(stamp)?)\b"
    r"|\b(today|now|random|uuid|gen_random_uuid|nextval|get_current_(time|timestamp)|transaction_timestamp"
    r"|setseed)\s*\(",
    re.IGNORECASE,
)
_LANDED = {"landing", "platform"}  # sources whose tables are folders of the landing
_ENGINE = ("dbt-core", "dbt-duckdb", "duckdb")


@dataclass(frozen=True)
class NodeKey:
    """`content` decides the rows. `statement` also holds where the landing is, which a view remembers."""

    content: str
    statement: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def node_keys(manifest: Manifest, landing: Path, project_dir: Path) -> dict[str, NodeKey]:
    """By unique id, for every model, seed, data test and unit test of a compiled manifest."""
    nodes = {**manifest["nodes"], **manifest.get("unit_tests", {})}
    around = _around(manifest, project_dir)
    contents = {uid: _landed(source, landing) for uid, source in manifest["sources"].items()}
    keys: dict[str, NodeKey] = {}
    for uid in _parents_first(nodes):
        own = _own(nodes[uid])
        parents = [contents.get(p, _never()) for p in sorted(nodes[uid]["depends_on"]["nodes"])]
        moved = own.replace(str(landing.resolve()), "<landing>")
        content = _hash(around, moved, *parents)
        if not _repeatable(nodes[uid]):
            content = _never()
        contents[uid] = content
        keys[uid] = NodeKey(content, _hash(own))
    return keys


def _repeatable(node: JsonObject) -> bool:
    """False if the same code on the same inputs may give other rows, or dbt did not hash a large seed."""
    if node["resource_type"] == "snapshot" or _checksum(node).get("name") == "path":
        return False
    return not _UNREPEATABLE.search(_code(node))


def _own(node: JsonObject) -> str:
    """The node itself, without what only describes it."""
    config = {k: v for k, v in node["config"].items() if k not in _DESCRIBING}
    described = any((config.get("persist_docs") or {}).values())
    columns = {
        name: [column.get("data_type"), column.get("constraints"), column["description"] if described else ""]
        for name, column in (node.get("columns") or {}).items()
    }
    unit_test = [node.get(field) for field in ("model", "given", "expect", "overrides")]
    body = [node["resource_type"], node.get("relation_name"), _code(node), config, columns, unit_test]
    body += [node.get("constraints"), node["description"] if described else ""]
    return json.dumps(body, sort_keys=True, default=str)


def _code(node: JsonObject) -> str:
    """What runs; of a seed, the checksum of its file; of a unit test, nothing beside what `_own` names."""
    if node["resource_type"] == "unit_test":
        return ""
    return str(node.get("compiled_code") or _checksum(node).get("checksum"))


def _checksum(node: JsonObject) -> JsonObject:
    checksum = node.get("checksum")
    return checksum if isinstance(checksum, Mapping) else {}


def _around(manifest: Manifest, project_dir: Path) -> str:
    """What every node runs in: engine versions, profile, hooks, project macros in place of dbt's own."""
    project = manifest["metadata"]["project_name"]
    macros = manifest.get("macros", {}).values()
    theirs = {m["name"] for m in macros if m["package_name"] != project}
    replaced = sorted(
        m["macro_sql"] for m in macros if m["package_name"] == project and _bare(m["name"]) in theirs
    )
    hooks = sorted(n["raw_code"] for n in manifest["nodes"].values() if n["resource_type"] == "operation")
    profile = project_dir / "profiles.yml"
    versions = [f"{package}={metadata.version(package)}" for package in _ENGINE]
    return _hash(*versions, *replaced, *hooks, profile.read_text() if profile.exists() else "")


def _bare(macro: str) -> str:
    """Without an adapter's prefix: `duckdb__generate_schema_name` replaces `generate_schema_name`."""
    prefix, separator, name = macro.partition("__")
    return name if separator and prefix in {"default", "duckdb"} else macro


def _landed(source: JsonObject, landing: Path) -> str:
    """The batches of a landing table: names, sizes and ends of their files (in Parquet, the index)."""
    if source["source_name"] not in _LANDED:
        return _never()
    parts = []
    for path in sorted((landing / source["identifier"]).rglob("*.parquet")):
        with path.open("rb") as file:
            size = path.stat().st_size
            file.seek(max(0, size - _FOOTER_BYTES))
            parts += [str(path.relative_to(landing)), str(size), hashlib.sha256(file.read()).hexdigest()]
    return _hash("landed", *parts)


def _parents_first(nodes: JsonObject) -> Iterable[str]:
    """Unique ids, each after the nodes it reads; dbt has already refused circles."""
    done: dict[str, None] = {}

    def visit(uid: str) -> None:
        if uid in done or uid not in nodes:
            return
        for parent in nodes[uid]["depends_on"]["nodes"]:
            visit(parent)
        done[uid] = None

    for uid in sorted(nodes):
        visit(uid)
    return list(done)


def _never() -> str:
    """A key that equals no other."""
    return uuid.uuid4().hex


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()
