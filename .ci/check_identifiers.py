"""Which identifiers of our code are words that no engineer of the field would use, each with its place.

The words are in `forbidden_identifiers.yaml` beside this file: under `everywhere`, or under a folder. In
prose they are ordinary words, and names that another library's interface asks for are not ours: only what we
define counts (modules, classes, functions, parameters, variables, attributes). Exit 1 if any is left.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("semantic", "governance", "models_ml", "integrations", "api", "dashboards", "tests")


def defined(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The identifiers that a module defines, each with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.alias(asname=str(name)):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name, node.lineno


def forbidden_in(path: Path, words: dict[str, list[str]]) -> frozenset[str]:
    """The words that a file below the project's root may not define."""
    folders = ("everywhere", *("/".join(path.parts[:n]) for n in range(1, len(path.parts) + 1)))
    return frozenset(word for folder in folders for word in words.get(folder, ()))


def places(words: dict[str, list[str]]) -> Iterator[str]:
    """`file:line: name` of each forbidden identifier, modules' names included."""
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            path = file.relative_to(ROOT)
            banned = forbidden_in(path, words)
            if path.stem in banned:
                yield f"{path}:1: {path.stem}"
            for name, line in defined(ast.parse(file.read_text(encoding="utf-8"))):
                if name.strip("_") in banned:
                    yield f"{path}:{line}: {name}"


def read_words() -> dict[str, list[str]]:
    """Forbidden words by folder."""
    file = Path(__file__).with_name("forbidden_identifiers.yaml")
    words: dict[str, list[str]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return words


def main() -> int:
    left = list(places(read_words()))
    print("\n".join([*left, f"{len(left)} forbidden identifiers"]))
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
