"""Each module of the planner and each rule shows rows in and rows out in its docstring, and they are so."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import semantic

from .worked_examples import Examples

MODULES = sorted(m.name for m in pkgutil.walk_packages(semantic.__path__, "semantic.") if not m.ispkg)
SHOWN = [m for m in MODULES if m.split(".")[1] in ("plan", "rules")]
"""Modules that must have an example."""
WITHOUT_ROWS = {"semantic.rules.statistics", "semantic.plan.compiled"}
"""Records without any rows of their own."""


def _examples(module: str) -> list[doctest.DocTest]:
    tests = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    return [t for t in tests if t.examples]


@pytest.mark.parametrize("module", [m for m in MODULES if _examples(m)])
def test_examples_in_docstrings_are_true(module: str) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in _examples(module):
        bench = Examples()
        test.globs |= {name: getattr(bench, name) for name in ("answer", "probe", "rows", "show", "catalog")}
        test.globs["tables"] = bench.connection
        runner.run(test)
    assert runner.summarize().failed == 0


@pytest.mark.parametrize("module", [m for m in SHOWN if m not in WITHOUT_ROWS])
def test_each_module_of_the_planner_shows_an_example(module: str) -> None:
    answers = [e.want.splitlines() for t in _examples(module) if t.name == module for e in t.examples]
    assert any(len(rows) > 1 for rows in answers), "its docstring shows no rows in and at least two rows out"
