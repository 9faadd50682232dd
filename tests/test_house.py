"""Where modules are and what they may import: no circle, no arrow up, no module in a nameless folder."""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Iterator

import grimp
import pytest

from tests.conftest import ROOT

PACKAGES = ("semantic", "governance", "models_ml", "integrations", "api")
"""From the bottom up: each may import those before it."""

FOLDERS = {
    "semantic": ("ast", "definitions", "query", "plan", "rules", "sql"),
    "governance": (
        *("identity", "store", "policy", "approvals", "disclosure", "releases", "lineage", "governed_query"),
        *("store/migrations", "store/migrations/versions", "releases/diff"),
    ),
    "models_ml": (
        *("lifecycle", "demand", "margin_risk", "evaluate", "drift", "replay", "outcomes"),
        *("recommend", "recommend/inputs", "recommend/kinds"),
    ),
    "integrations": (
        *("contracts", "pseudonyms", "sources", "ingest", "customers", "platform", "retailer", "synthetic"),
        *("demo", "demo/ledger", "demo/decisions"),
    ),
    "api": ("routes", "cli", "review", "auth", "services", "pipeline", "doctor", "servers", "backup"),
    "dashboards": ("superset_steelyard", "superset_steelyard/charts"),
}
"""Every folder of modules, by package. Another one needs its line here, and a reason."""

MOST_LINES = 400


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, "dashboards", cache_dir=None)


def test_no_circle_between_modules(graph):
    """Whether at the head of a module or inside a function: who imports whom points one way."""
    edges = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert len(edges) > 300 and sum(map(len, edges.values())) > 1000
    assert circles(edges) == []


def test_no_arrow_up_between_packages(graph):
    height = {name: n for n, name in enumerate(PACKAGES)}
    up = [
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if importer.split(".")[0] in height and imported.split(".")[0] in height
        if height[imported.split(".")[0]] > height[importer.split(".")[0]]
    ]
    assert up == []


def test_dashboards_import_nothing_of_ours(graph):
    imported = {
        name for module in graph.modules if module.startswith("dashboards")
        for name in graph.find_modules_directly_imported_by(module)
    }  # fmt: skip
    assert {name for name in imported if not name.startswith("dashboards")} == set()


@pytest.mark.parametrize("package", ["semantic", "governance", "models_ml"])
def test_layers_inside_a_package_are_held_by_a_contract(package):
    """import-linter holds it in `make lint`; here, that there is one and that it names every folder."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    inside = [c for c in contracts if c["type"] == "layers" and package in c.get("containers", ())]
    assert inside, f"pyproject.toml has no contract of layers inside {package}"
    layers = " ".join(str(layer) for contract in inside for layer in contract["layers"])
    ignored = {name for contract in inside for name in contract.get("exhaustive_ignores", ())}
    top = {folder for folder in FOLDERS[package] if "/" not in folder}
    assert {name for name in top if name not in layers and name not in ignored} == set()


@pytest.mark.parametrize("package", FOLDERS)
def test_every_module_is_in_a_folder_that_has_a_name(package):
    folders = {
        str(path.parent.relative_to(ROOT / package)) for path in (ROOT / package).rglob("*.py")
        if not {"build", "__pycache__"} & set(path.parts)
    }  # fmt: skip
    assert folders - {"."} == set(FOLDERS[package])


def test_no_module_is_longer_than_a_person_reads():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in _modules()}
    assert {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > MOST_LINES} == {}


def test_no_forbidden_identifier_is_left():
    assert list(_identifiers().places(_identifiers().read_words())) == []


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}}, [["b", "c"]]),
        ({"a": {"b"}, "b": {"a", "d"}, "c": {"d"}, "d": {"c"}}, [["a", "b"], ["c", "d"]]),
    ],
)
def test_a_circle_is_seen(edges, expected):
    assert circles(edges) == expected


def circles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Groups of modules each of which leads back to itself through the others (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    groups = []
    for root in sorted(edges):
        if root in index:
            continue
        work = [(root, iter(sorted(edges[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            node, below = work[-1]
            for other in below:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    work.append((other, iter(sorted(edges.get(other, ())))))
                    break
                if other in stack:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    at = stack.index(node)
                    group, stack[at:] = stack[at:], []
                    if len(group) > 1:
                        groups.append(sorted(group))
    return sorted(groups)


def _modules() -> Iterator:
    for package in (*FOLDERS, "tests"):
        yield from (ROOT / package).rglob("*.py")


def _identifiers():
    spec = importlib.util.spec_from_file_location("check_identifiers", ROOT / ".ci" / "check_identifiers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
