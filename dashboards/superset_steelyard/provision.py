"""Bring Superset to what the definitions say: `python -m superset_steelyard.provision`.

Prepares the metadata database, imports the bundle, removes what is no longer defined, verifies what is there,
and gives people their accounts and roles. Run it as often as you like: if nothing has changed, it does
nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TypedDict

import sqlalchemy

from .bundle import Bundle, build
from .catalog import fetch
from .client import Client
from .errors import Error
from .json_types import Json
from .spec import DashboardSpec, SpecInvalidError, load_specs

HOME = "STEELYARD_SUPERSET_HOME"
_MARKER = "provisioned.json"


class Provisioned(TypedDict, total=False):
    """What the last run left in Superset, as kept beside its metadata; empty before the first."""

    fingerprint: str
    metrics: dict[str, bool]
    uses: dict[str, list[str]]
    charts: list[str]
    prepared_for: str


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when what is there is what is defined, else 1 with a sentence."""
    parser = argparse.ArgumentParser(prog="superset_steelyard.provision")
    parser.add_argument("--people", type=Path, required=True, help="JSON: name, role, password of each")
    parser.add_argument("--site", required=True, help="where a browser finds the API")
    parser.add_argument("--force", action="store_true", help="even if nothing has changed")
    given = parser.parse_args(arguments)
    started = time.monotonic()
    try:
        report = provision(
            Path(os.environ[HOME]), json.loads(given.people.read_text()), given.site.rstrip("/"), given.force
        )
    except (Error, SpecInvalidError) as error:
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps(report | {"seconds": round(time.monotonic() - started, 1)}))
    return 1 if report["problems"] else 0


def provision(home: Path, people: list[dict[str, str]], site: str, force: bool = False) -> Json:
    """The report: what was made, what waits for a metric, which metrics are gone and who used them."""
    specs = load_specs()
    readers = [person["name"] for person in people if person["role"] != "admin"]
    _tell("asking for the definitions")
    context, days = fetch(Client.from_environment(), readers, specs, site)
    bundle = build(specs, context, days)
    before = _read(home / _MARKER)
    there = dashboards_there(home)
    if there is None:  # the metadata was deleted, or never there: everything has to be made again
        before = {"metrics": before.get("metrics", {}), "uses": before.get("uses", {})}
    elif not there.issuperset(spec.slug for spec in specs):
        before = {**before, "fingerprint": ""}
    gone = sorted(set(before.get("metrics", {})) - set(context.metrics))
    report: Json = {
        "dashboards": [spec.title for spec in specs],
        "charts": len(bundle.charts),
        "metrics": len(context.metrics),
        "waiting": [
            {"dashboard": slug, "chart": chart, "missing": list(names)}
            for slug, chart, names in bundle.waiting
        ],
        "removed_metrics": [
            {"metric": name, "charts": _users_of(name, before.get("uses", {}))} for name in gone
        ],
        "problems": [],
        "changed": True,
    }
    mark = _fingerprint(bundle, people)
    if before.get("fingerprint") == mark and not force:
        return report | {"changed": False}
    from . import superset_state  # loads Superset, some seconds

    prepared = before.get("prepared_for") == superset_version()
    report["problems"] = superset_state.provision(
        bundle, specs, people, context.recorded, before.get("charts", []), prepared, _tell
    )
    if not report["problems"]:
        uses = {f"{slug}/{chart}": list(_metrics_of(specs, slug, chart)) for slug, chart in bundle.charts}
        content = Provisioned(
            fingerprint=mark,
            metrics=dict.fromkeys(context.metrics, True),
            uses=uses,
            charts=sorted(bundle.charts.values()),
            prepared_for=superset_version(),
        )
        _write(home / _MARKER, content)
    return report


def dashboards_there(home: Path) -> frozenset[str] | None:
    """Slugs of the dashboards in Superset's metadata, or None if it has no tables, or none that answer."""
    url, file = os.environ.get("SUPERSET_DATABASE_URL"), home / "superset.db"
    if not url and not file.exists():
        return None
    engine = sqlalchemy.create_engine(url or f"sqlite:///{file}", poolclass=sqlalchemy.pool.NullPool)
    try:
        with engine.connect() as connection:
            slugs: Iterable[str | None] = connection.execute(
                sqlalchemy.text("SELECT slug FROM dashboards")
            ).scalars()
            return frozenset(slug for slug in slugs if slug)
    except sqlalchemy.exc.DBAPIError:
        return None


def superset_version() -> str:
    return metadata.version("apache-superset")


def _users_of(metric: str, uses: dict[str, list[str]]) -> list[str]:
    return sorted(chart for chart, metrics in uses.items() if metric in metrics)


def _metrics_of(specs: Sequence[DashboardSpec], slug: str, chart: str) -> tuple[str, ...]:
    return next(item.metrics for s in specs if s.slug == slug for item in s.items if item.id == chart)


def _fingerprint(bundle: Bundle, people: list[dict[str, str]]) -> str:
    parts = [bundle.contents, sorted((p["name"], p["role"], p["password"]) for p in people)]
    parts += [
        os.environ.get("STEELYARD_SMTP_HOST", ""),
        os.environ.get("STEELYARD_SUPERSET_EMBED_DOMAINS", ""),
        superset_version(),
        metadata.version("superset-steelyard"),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _read(path: Path) -> Provisioned:
    if not path.exists():
        return {}
    content: Provisioned = json.loads(path.read_text())
    return content


def _write(path: Path, content: Provisioned) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content, indent=0, sort_keys=True))
    fresh.replace(path)


def _tell(what: str) -> None:
    """Progress, one line each, on standard error: the report alone is on standard output."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
