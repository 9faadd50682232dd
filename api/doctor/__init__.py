"""`steelyard doctor`: is this machine, and what the platform keeps on it, fit to serve.

Every check looks and changes nothing; one that cannot look says so instead of raising.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from api.doctor.deep import (
    check_landing_content,
    check_registry_artifacts,
    check_release_content,
    check_store_integrity,
)
from api.doctor.directory import check_directory
from api.doctor.finding import Finding, Level
from api.doctor.machine import check_machine, check_packages, check_ports, check_superset
from api.doctor.models import check_forecasts, check_models
from api.doctor.safety import check_secrets, check_settings
from api.doctor.state import check_audit, check_audit_key, check_release, check_store
from api.settings import Settings
from semantic.errors import SteelyardError

Check = Callable[[Settings], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    check_machine,
    check_packages,
    check_superset,
    check_ports,
    check_settings,
    check_secrets,
    check_release,
    check_directory,
    check_store,
    check_audit,
    check_audit_key,
    check_models,
    check_forecasts,
)

DEEP_CHECKS: tuple[Check, ...] = (
    check_release_content,
    check_store_integrity,
    check_landing_content,
    check_registry_artifacts,
)
"""What takes as long as reading everything that is stored."""

__all__ = ["CHECKS", "DEEP_CHECKS", "Finding", "Level", "examine"]


def examine(
    settings: Settings, report: Callable[[str], None] = lambda _: None, *, deep: bool = False
) -> Iterator[Finding]:
    """Every finding, in the order of `CHECKS`, with `deep` of `DEEP_CHECKS` too; `report` hears which one is
    running."""
    for check in (*CHECKS, *(DEEP_CHECKS if deep else ())):
        subject = check.__name__.removeprefix("check_")
        report(subject)
        try:
            yield from check(settings)
        except SteelyardError as error:
            yield Finding(subject, Level.FAILED, error.message, error.hint)
        except Exception as error:  # a doctor who faints helps nobody
            yield Finding(subject, Level.FAILED, f"could not look: {type(error).__name__}: {error}")
