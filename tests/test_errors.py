"""Every error a user can meet is in one tree, with the code that HTTP and the command line answer."""

import ast
from collections.abc import Iterator
from importlib import import_module

import semantic.errors
from semantic.errors import SteelyardError
from tests.conftest import ROOT

PACKAGES = ("semantic", "governance", "models_ml", "integrations", "api")
FRAGMENTS = ("governance/policy/residual.py",)  # put into the sentence that names the policy
LOWER_CASE = ("dbt ", "metric_time ", "min_max_only ", "apply_group_by")  # names written so

MODULES = (
    "semantic.errors",
    "governance.errors",
    "governance.releases.errors",
    "models_ml.errors",
    "integrations.errors",
    "api.errors",
    "api.review.session",
)


def families() -> list[type[SteelyardError]]:
    """The error modules are imported in the order of the packages, so that their families come in it."""
    for module in MODULES:
        import_module(module)
    ours = [error for error in SteelyardError.__subclasses__() if error.__module__ in MODULES]
    return sorted(ours, key=lambda error: MODULES.index(error.__module__))


def lines(error: type[SteelyardError], depth: int = 0) -> Iterator[str]:
    yield f"{'  ' * depth + error.__name__:<36}{error.code}"
    below = families() if error is SteelyardError else error.__subclasses__()
    for part in below:
        if part.__module__ in MODULES:
            yield from lines(part, depth + 1)


def test_the_docstring_shows_the_whole_tree() -> None:
    listed = [line.rstrip() for line in (semantic.errors.__doc__ or "").splitlines()]
    assert [line for line in listed if line.strip().split(" ")[0].endswith("Error")] == list(
        lines(SteelyardError)
    )


def test_a_code_belongs_to_one_error_and_those_below_it() -> None:
    owners: dict[str, type[SteelyardError]] = {}

    def walk(error: type[SteelyardError]) -> None:
        if error.__module__ in MODULES:
            assert issubclass(error, owners.setdefault(error.code, error)), error
            for part in error.__subclasses__():
                walk(part)

    walk(SteelyardError)


def names(error: type[SteelyardError]) -> Iterator[str]:
    yield error.__name__
    for part in error.__subclasses__():
        yield from names(part)


def literal_ends(message: ast.expr) -> tuple[str, str] | None:
    """What a message begins and ends with, empty where it is a value; None if it is no literal."""
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    ends = [part.value if isinstance(part, ast.Constant) else "" for part in (parts[0], parts[-1])]
    literal = isinstance(message, ast.JoinedStr | ast.Constant) and all(isinstance(e, str) for e in ends)
    return (str(ends[0]), str(ends[1])) if literal else None


def test_messages_are_sentences() -> None:
    families()
    ours = set(names(SteelyardError))
    odd = []
    for path in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        place = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
                continue
            ends = literal_ends(node.args[0]) if node.func.id in ours and place not in FRAGMENTS else None
            if ends is None:
                continue
            first, last = ends
            if (first[:1].islower() and not first.startswith(LOWER_CASE)) or (last and last[-1] not in ".!?"):
                odd.append(f"{place}:{node.lineno}")
    assert odd == []
