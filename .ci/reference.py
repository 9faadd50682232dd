"""Writes the pages that repeat what the code says: `docs/settings.md` and `docs/reference.md`.

`make docs` runs it; a test fails if a page differs from what it would write.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("semantic", "governance", "models_ml", "integrations", "api")

OTHER_VARIABLES = {
    "Read by Superset alone": {
        "SUPERSET_DATABASE_URL": "metadata database; unset: SQLite in Superset's folder",
        "SUPERSET_REDIS_URL": "cache of several workers; unset: on disk",
        "STEELYARD_SUPERSET_TLS": "1 if Superset is behind a proxy that speaks TLS",
        "STEELYARD_SMTP_HOST": "mail server of reports; unset: no reports",
        "STEELYARD_SMTP_PORT": "its port; unset: 587",
        "STEELYARD_SMTP_USER": "its user",
        "STEELYARD_SMTP_PASSWORD": "and password",  # pragma: allowlist secret
        "STEELYARD_SMTP_FROM": "sender of reports; unset: steelyard@localhost",
        "STEELYARD_SMTP_STARTTLS": "0 for a server without STARTTLS",
        "STEELYARD_REPORT_TO": "who gets a report whose recipient is not named; unset: the sender",
    },
    "Set by Steelyard for the processes that it starts": {
        "STEELYARD_LANDING": "the landed files, for dbt",
        "STEELYARD_WAREHOUSE": "the database to build, for dbt",
        "STEELYARD_TIME_ZONE": "where instants fall on days, for dbt: that of the time spine",
        "STEELYARD_API_URL": "where Superset asks for numbers",
        "STEELYARD_SERVICE_KEY_FILE": "the key with which it asks",  # pragma: allowlist secret
        "STEELYARD_SUPERSET_HOME": "Superset's folder",
        "SUPERSET_CONFIG_PATH": "Superset's configuration file",
    },
    "Read by the examples in docs/examples/api": {
        "STEELYARD_URL": "address of the API",
        "STEELYARD_TOKEN": "token of the user",
    },
    "Read by tests": {
        "STEELYARD_TEST_SEED": "repeats the random choices of a run; unset: a new seed, which is printed",
        "STEELYARD_TEST_FULL": "1 for many more random cases: `make test-full`",
        "STEELYARD_FAULT_POINTS": "points at which each job is killed",
        "STEELYARD_FUZZ_EXAMPLES": "calls of each operation of the API",
        "STEELYARD_POLICY_CASES": "random recommendations held against policy",
        "STEELYARD_SOAK_SECONDS": "time under load while releases are published",
        "STEELYARD_PICTURES": "folder for pictures of the dashboards",
        "STEELYARD_TEST_SCREENSHOTS": "folder for pictures of MLflow's pages",
    },
}

EVENTS = {
    "recommendation.propose": "a service proposed it, or a person proposed to take one back",
    "recommendation.refuse": "policy allows nobody to agree to it, so it was not proposed",
    "recommendation.approve": "a person agreed",
    "recommendation.approve_by_policy": "policy agreed on its own, by the rule and limits that it names",
    "recommendation.override": "a person agreed to another quantity",
    "recommendation.reject": "a person declined, with a reason",
    "recommendation.expire": "its time passed, or a newer one came, before anybody decided",
    "recommendation.escalate": "it was not decided in time and moved to who decides next",
    "recommendation.executing": "a service began to carry it out",
    "recommendation.executed": "it was carried out",
    "recommendation.failed": "it could not be carried out",
    "recommendation.measured": "what came of it was measured",
    "customer.request_erasure": "a person asked to erase a customer, who is named by a keyed digest",
    "customer.confirm_erasure": "another person confirmed, and it began",
    "customer.erase": "it was done: rows that changed, the release without the customer, releases that went",
    "customer.replay_erasures": "whom a restored state had brought back was erased again",
    "customer.export": "a person was given what is held of a customer",
    "customer.expire": "rows older than their table's retention lost their customer",
    "model.register": "a version was trained: by whom, from which release and code, with which artifact",
    "model.approve": "a reviewer agreed that a version may score",
    "model.reject": "a reviewer declined a version",
    "model.promote": "a version became champion",
    "model.rollback": "an earlier version became champion again",
    "model.refuse": "a review or promotion was refused",
    "service_key.issue": "a key was made for a service",
    "service_key.revoke": "a service's key was revoked",
    "audit.close_unkeyed": "a chain from before there were keys was verified and bound in",
    "audit.use_key": "a key seals the entries from here on",
    "audit.rotate_key": "a new key followed the one before",
    "dashboard.embed": "a site was given a guest's token for a dashboard",
    "store.record": "rows of the tables that it names were written or removed, and no other event says so",
}
"""Names of the audit log's rows: what is done, to what."""

_GENERATED = "<!-- written by `make docs`; edit the code that it repeats -->"
_SETTINGS = """\
Steelyard reads its settings from the environment, once, when a process starts. `steelyard doctor` says which
are unsafe in production. A value that does not fit is refused with the variable's name."""
_CODES = """\
The command line prints the code, a sentence and, if there is one, a hint; HTTP answers carry the same as a
problem document (RFC 9457). The last three come from HTTP alone; so does the status in words, such as
`method-not-allowed`, for a path or verb that does not exist."""


def settings_page() -> str:
    """Every setting with its default and meaning, and every other environment variable."""
    from api.settings import Settings

    rows = [
        (f"`STEELYARD_{name.upper()}`", _default(field.default), str(field.description))
        for name, field in Settings.model_fields.items()
    ]
    parts = [
        "# Settings",
        _GENERATED,
        _SETTINGS,
        _table(("variable", "default", "meaning"), rows),
    ]
    for title, variables in OTHER_VARIABLES.items():
        parts += [
            f"## {title}",
            _table(("variable", "meaning"), [(f"`{k}`", v) for k, v in variables.items()]),
        ]
    return "\n\n".join(parts) + "\n"


def reference_page() -> str:
    """Commands, error codes, actions and events."""
    parts = [
        "# Reference",
        _GENERATED,
        "## Commands",
        "`steelyard NOUN VERB --help` describes options. Exit status: 0 done, 1 refused or failed, 2 usage.",
        _table(("command", "meaning"), [(f"`steelyard {name}`", text) for name, text in commands()]),
        "## Error codes",
        _CODES,
        _table(("code", "HTTP", "meaning"), list(_errors())),
        "## Actions",
        "What a recommendation proposes. `undo_` before one takes back what was carried out.",
        _table(("action", "label", "meaning", "least route"), list(_actions())),
        "## Events",
        "Names of the rows of the audit log (`steelyard audit verify`, `/v1/audit`).",
        _table(("event", "meaning"), _in_code(EVENTS)),
    ]
    return "\n\n".join(parts) + "\n"


def retailer_page() -> str:
    """Every setting of `retailer.yaml`."""
    parts = [
        "# retailer.yaml",
        _GENERATED,
        "What a retailer says of itself, in one file: `retailer.yaml` in the folder of the data, or the file "
        "that `STEELYARD_RETAILER` names. All of it may be left out: the defaults are neutral. A run says "
        "which settings are set. An unknown setting is refused with the one that it may have meant. "
        "`integrations/demo/retailer.yaml` holds the rules of the demo.",
        "```yaml\nname: Corner shop\ncurrency: EUR\ntime_zone: Europe/Berlin\ndepartments:\n"
        "  not_merchandise: [FUEL, DEPOSIT]\ndemand:\n  greatest_quantity: 60\n```",
        _table(("setting", "unless set", "meaning"), list(_retailer_settings())),
    ]
    return "\n\n".join(parts) + "\n"


def _retailer_settings() -> Iterator[tuple[str, ...]]:
    from pydantic import BaseModel

    from integrations.retailer import NEUTRAL

    waiting: list[tuple[str, BaseModel]] = [("", NEUTRAL)]
    while waiting:
        prefix, part = waiting.pop(0)
        for name, field in type(part).model_fields.items():
            value = getattr(part, name)
            if isinstance(value, BaseModel):
                waiting.append((f"{prefix}{name}.", value))
            elif not field.exclude:
                unless = (
                    ""
                    if value in (None, (), {}, "")
                    else f"`{str(value).lower() if value in (True, False) else value}`"
                )
                yield f"`{prefix}{name}`", unless, field.description or ""


PAGES = {
    "docs/settings.md": settings_page,
    "docs/reference.md": reference_page,
    "docs/retailer.md": retailer_page,
}


def error_classes() -> list[type]:
    """Every class of error that has a code of its own."""
    from semantic.errors import SteelyardError

    for package in PACKAGES:
        for module in _modules(importlib.import_module(package)):
            if module.rpartition(".")[2] == "errors":
                importlib.import_module(module)
    classes, waiting = [], [SteelyardError]
    while waiting:
        classes.append(waiting.pop())
        waiting += classes[-1].__subclasses__()
    return sorted((c for c in classes if "code" in vars(c)), key=lambda c: c.code)


def _actions() -> Iterator[tuple[str, ...]]:
    from governance.approvals.actions import ACTIONS

    for action in ACTIONS.values():
        yield f"`{action.name}`", action.label, action.verb, action.least_route.replace("_", " ")


HTTP_ONLY = {
    "body-too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request's body is longer than it may be."),
    "internal-error": (HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of Steelyard, not of the request."),
    "malformed-request": (HTTPStatus.UNPROCESSABLE_ENTITY, "A field is missing, or of another type."),
}
"""Codes of answers that no class of error stands behind."""


def _errors() -> Iterator[tuple[str, ...]]:
    from api.problems import status_of

    for error in error_classes():
        status = status_of(error)
        yield (
            f"`{error.code}`",
            f"{status.value} {status.phrase}",
            _first_sentence(inspect.getdoc(error) or ""),
        )
    for code, (status, meaning) in HTTP_ONLY.items():
        yield f"`{code}`", f"{status.value} {status.phrase}", meaning


def commands() -> Iterator[tuple[str, str]]:
    """Every command of the command line, `noun verb`, with its help."""
    import click
    import typer

    from api.cli.app import app

    group = typer.main.get_command(app)
    context = click.Context(group, info_name="steelyard")
    waiting = [("", group)]
    while waiting:
        prefix, command = waiting.pop(0)
        if not hasattr(command, "list_commands"):
            yield prefix.strip(), command.get_short_help_str(limit=200)
            continue
        names = command.list_commands(context)  # a noun is imported when it is resolved
        waiting[:0] = [(f"{prefix} {name}", command.resolve_command(context, [name])[1]) for name in names]


def _in_code(meanings: dict[str, str]) -> list[tuple[str, ...]]:
    return [(f"`{name}`", meaning) for name, meaning in meanings.items()]


def _default(value: object) -> str:
    if isinstance(value, Path):
        return f"`{value.relative_to(ROOT) if value.is_relative_to(ROOT) else value}`"
    text = "" if value is None else str(value)
    return f"`{text}`" if text else "empty"


def _first_sentence(text: str) -> str:
    """The first sentence of a docstring, on one line."""
    paragraph = " ".join(text.split("\n\n", maxsplit=1)[0].split())
    return paragraph.split(". ")[0].rstrip(".") + "." if paragraph else ""


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _modules(package: ModuleType) -> Iterator[str]:
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield module.name


def main() -> int:
    for page, write in PAGES.items():
        (ROOT / page).write_text(write(), encoding="utf-8")
        print(page)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())
