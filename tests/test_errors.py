"""Every error a user can meet is in one tree, with the code that HTTP and the command line answer."""

from collections.abc import Iterator
from importlib import import_module

import semantic.errors
from semantic.errors import SteelyardError

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
    shown = [line.rstrip() for line in (semantic.errors.__doc__ or "").splitlines()]
    assert [line for line in shown if line.strip().split(" ")[0].endswith("Error")] == list(
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
