"""Writes what lists actions, states, routes and decisions outside Python, from governance's registries.

`python .ci/write_vocabularies.py` rewrites descriptions and allowed values in contracts and dbt's YAML;
with `--check` it changes nothing and exits 1, naming the files that differ. A test does the same.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from governance.approvals import ACTIONS, DECISIONS, ROUTES, STATES  # noqa: E402
from governance.approvals.actions import recorded_names  # noqa: E402

CONTRACTS = "integrations/contracts/platform"
STAGING = "dbt_project/models/staging/platform"
MARTS = "dbt_project/models/marts/decisions"
WIDTH = 110


@dataclass(frozen=True)
class Column:
    """A column that holds words of a registry: its description, if it lists them, and its allowed values."""

    file: str
    name: str
    description: str | None = None
    values: Sequence[str] | None = None


def columns() -> Iterator[Column]:
    """Every place that is written."""
    actions = f"{_listed(ACTIONS)}; undo_ before one taken back."
    routes = f"Who decides: {_listed(ROUTES)}."
    decisions = f"{_listed(DECISIONS)}."
    yield Column(f"{CONTRACTS}/recommendations.yaml", "action", actions, recorded_names())
    yield Column(f"{CONTRACTS}/recommendations.yaml", "state", None, STATES)
    yield Column(f"{CONTRACTS}/recommendations.yaml", "policy_route", routes, ROUTES)
    yield Column(f"{CONTRACTS}/decisions.yaml", "decision", decisions, DECISIONS)
    yield Column(f"{STAGING}/stg_platform__recommendations.yml", "action", actions)
    yield Column(f"{STAGING}/stg_platform__recommendations.yml", "policy_route", routes)
    yield Column(f"{STAGING}/stg_platform__decisions.yml", "decision", decisions)
    yield Column(f"{MARTS}/fct_recommendations.yml", "action", actions, recorded_names())
    yield Column(f"{MARTS}/fct_recommendations.yml", "state", None, STATES)
    yield Column(f"{MARTS}/fct_recommendations.yml", "policy_route", routes)
    yield Column(f"{MARTS}/fct_decisions.yml", "decision", decisions, DECISIONS)
    yield Column(f"{MARTS}/fct_decision_outcomes.yml", "decision", decisions, DECISIONS)


def written() -> dict[Path, str]:
    """Each file with the text that the registries ask for."""
    texts: dict[Path, str] = {}
    for column in columns():
        path = ROOT / column.file
        text = texts.get(path) or path.read_text(encoding="utf-8")
        texts[path] = _with_column(text, column)
    return texts


def main(arguments: Sequence[str]) -> int:
    differing = [path for path, text in written().items() if path.read_text(encoding="utf-8") != text]
    for path in differing:
        print(path.relative_to(ROOT))
        if "--check" not in arguments:
            path.write_text(written()[path], encoding="utf-8")
    return 1 if differing and "--check" in arguments else 0


def _with_column(text: str, column: Column) -> str:
    start = re.compile(rf"^( *)- name: {column.name}\n", re.MULTILINE).search(text)
    if start is None:
        raise LookupError(f"{column.file} has no column {column.name}")
    end = re.compile(rf"^ {{0,{len(start[1])}}}\S", re.MULTILINE).search(text, start.end())
    stop = end.start() if end else len(text)
    block = text[start.end() : stop]
    if column.description is not None:
        block = _with_description(block, column)
    if column.values is not None:
        block = _with_values(block, column)
    return text[: start.end()] + block + text[stop:]


def _with_description(block: str, column: Column) -> str:
    """On one line in quotes for dbt; as YAML's own writer folds it in a contract."""
    if column.file.endswith(".yml"):
        line = re.compile(r'(?<=description: )".*"')
        new = f'"{column.description}"'
    else:
        line = re.compile(r"    description: .*\n(?:      \S.*\n)*")
        plain = str(column.description)
        plain = f"'{plain}'" if ": " in plain else plain
        new = textwrap.fill(f"description: {plain}", WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 6)
        new += "\n"
    return _replaced(line, new, block, column)


def _with_values(block: str, column: Column) -> str:
    values = [str(value) for value in column.values or ()]
    if column.file.endswith(".yml"):
        line = re.compile(r"(?<=values: )\[[^\]]*\]")
        return _replaced(line, f"[{', '.join(values)}]", block, column)
    line = re.compile(r"(?<=validValues:\n)(?: +- \S+\n)+")
    return _replaced(line, "".join(f"        - {value}\n" for value in values), block, column)


def _replaced(line: re.Pattern[str], new: str, block: str, column: Column) -> str:
    block, count = line.subn(lambda _: new, block)
    if count != 1:
        raise LookupError(f"{column.file}: {count} places for the words of {column.name}, not one")
    return block


def _listed(names: Sequence[str] | dict[str, object]) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
