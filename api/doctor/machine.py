"""The machine: interpreter, memory, disk, installed packages, ports."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from api.doctor.finding import Finding, Level
from api.settings import Settings

NEEDED_PYTHON = (3, 11)
NEEDED_MEMORY_GB = 4
NEEDED_DISK_GB = 5  # the demo's pipeline keeps 1.5 GB and writes as much again while it builds
_PINS = Path(__file__).resolve().parents[2] / "requirements" / "product.txt"


def check_machine(settings: Settings) -> Iterator[Finding]:
    """Python, memory, and free disk where state lives."""
    version = ".".join(map(str, sys.version_info[:3]))
    fits = sys.version_info[:2] == NEEDED_PYTHON
    yield Finding("python", Level.OK if fits else Level.FAILED, version, "" if fits else "Use Python 3.11.")
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    yield Finding(
        "memory",
        Level.OK if memory_gb >= NEEDED_MEMORY_GB else Level.WARNING,
        f"{memory_gb:.1f} GB, {os.cpu_count()} cores",
        "" if memory_gb >= NEEDED_MEMORY_GB else "Lower STEELYARD_BUILD_MEMORY; builds then spill to disk.",
    )
    there = next(p for p in (settings.var_dir.absolute(), *settings.var_dir.absolute().parents) if p.exists())
    free_gb = shutil.disk_usage(there).free / 1e9
    enough, writable = free_gb >= NEEDED_DISK_GB, os.access(there, os.W_OK)
    yield Finding(
        "disk",
        Level.FAILED if not writable else Level.OK if enough else Level.WARNING,
        f"{free_gb:.1f} GB free at {there}" + ("" if writable else ", which cannot be written"),
        ""
        if writable and enough
        else "`steelyard release prune --keep 3` frees space; STEELYARD_VAR_DIR moves the state elsewhere.",
    )


def check_packages(settings: Settings) -> Iterator[Finding]:
    """Installed versions against the pins that were tested together."""
    pins = dict(_pins(_PINS)) if _PINS.exists() else {}
    wrong = {name: _installed(name) or "missing" for name, pin in pins.items() if _installed(name) != pin}
    if not wrong:
        yield Finding("packages", Level.OK, f"{len(pins)} at their pinned versions")
        return
    some = ", ".join(
        f"{name} {installed} (pinned {pins[name]})" for name, installed in list(wrong.items())[:5]
    )
    more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
    yield Finding("packages", Level.FAILED, some + more, "`make setup` installs what was tested together.")


def check_superset(settings: Settings) -> Iterator[Finding]:
    """Superset's own environment; without it everything but the dashboards is served."""
    there = (settings.superset_venv / "bin" / "python").exists()
    hint = "" if there else "`make setup-superset` installs the dashboards."
    message = f"installed in {settings.superset_venv}" if there else "not installed"
    yield Finding("superset", Level.OK if there else Level.WARNING, message, hint)


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Whether `serve` could listen; a taken port may be a Steelyard that is serving already."""
    ports = {"API": settings.api_port, "MLFLOW": settings.mlflow_port, "SUPERSET": settings.superset_port}
    taken = {name: port for name, port in ports.items() if _answers(settings.host, port)}
    if not taken:
        yield Finding("ports", Level.OK, f"{', '.join(map(str, ports.values()))} on {settings.host} are free")
    for name, port in taken.items():
        hint = f"Fine if Steelyard serves already; else stop it, or set STEELYARD_{name}_PORT."
        yield Finding("ports", Level.WARNING, f"{port} is taken", hint)


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _pins(path: Path) -> Iterator[tuple[str, str]]:
    """Name and version of every pin that is meant for this machine."""
    for line in path.read_text().splitlines():
        text = line.partition("#")[0].strip()
        if not text or text.startswith("-"):
            continue
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement.name, str(requirement.specifier).removeprefix("==")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
