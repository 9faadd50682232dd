"""Superset's own state, changed inside its application: schema, roles, people, assets."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

from flask import g
from superset.app import create_app

from . import reports
from .bundle import Bundle
from .identity import DATABASE_UUID, DATASET_UUID, asset_uuid
from .periods import Recorded
from .spec import DashboardSpec

ADMIN = "admin"
READER, GUEST = "Steelyard reader", "Steelyard guest"
_SQL_LAB_ROLES = frozenset({"analytics_engineer", "data_steward", "ml_reviewer", "finance_controller"})


def provision(
    bundle: Bundle,
    specs: Sequence[DashboardSpec],
    people: list[dict[str, str]],
    recorded: Recorded,
    charts_before: list[str],
    prepared: bool,
    tell: Callable[[str], None],
) -> list[str]:
    """What is wrong afterwards; nothing, when all is well."""
    logging.disable(logging.WARNING)
    tell("starting Superset")
    app = create_app()
    with app.app_context():
        if not prepared:
            _prepare(tell)
        tell("accounts")
        _admin(next(p for p in people if p["role"] == ADMIN))
        tell(f"importing {len(bundle.charts)} charts")
        problems = _import(bundle)
        if not problems:
            _forget(set(charts_before) - set(bundle.charts.values()))
            tell("roles")
            _roles_and_people(specs, [p for p in people if p["role"] != ADMIN])
            tell("verifying")
            problems = verify(bundle, specs)
            if app.config["SMTP_HOST"]:
                tell("reports and alerts")
                send_to = os.environ.get("STEELYARD_REPORT_TO", app.config["SMTP_MAIL_FROM"])
                problems += reports.schedule(
                    reports.load_reports(), recorded, send_to, _find_dataset().database
                )
    return problems


def _prepare(tell: Callable[[str], None]) -> None:
    """The metadata schema, and Superset's own roles and permissions."""
    from flask_migrate import upgrade
    from superset import appbuilder, security_manager
    from superset.utils.decorators import transaction

    tell("preparing the metadata database (about half a minute, once)")
    upgrade()
    tell("preparing permissions")

    @transaction()
    def init() -> None:
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()

    init()


def _admin(person: dict[str, str]) -> None:
    from superset import security_manager

    _account(person, [security_manager.find_role("Admin")])
    g.user = security_manager.find_user(username=person["name"])


def _account(person: dict[str, str], roles: list[object]) -> None:
    """Make the account, or bring its roles and password to what is wanted."""
    from superset import db, security_manager
    from werkzeug.security import check_password_hash, generate_password_hash

    stored = security_manager.find_user(username=person["name"])
    if stored is None:
        names = ["Steelyard"] if person["role"] == ADMIN else person["name"].replace("_", " ").split()
        stored = security_manager.add_user(
            person["name"],
            names[0].capitalize(),
            " ".join(names[1:]).capitalize(),
            f"{person['name']}@steelyard.example",
            roles,
            password=person["password"],
        )
    stored.roles = roles
    if not check_password_hash(stored.password, person["password"]):
        stored.password = generate_password_hash(person["password"])
    db.session.commit()


def _import(bundle: Bundle) -> list[str]:
    """One transaction: all of it or none."""
    from superset.commands.exceptions import CommandException, CommandInvalidError
    from superset.commands.importers.v1.examples import ImportExamplesCommand

    try:
        ImportExamplesCommand(dict(bundle.contents), overwrite=True).run()
    except CommandInvalidError as error:
        return [f"{place}: {message}" for place, message in error.normalized_messages().items()]
    except CommandException as error:
        return [f"{error}: {error.__cause__!r}"]
    return []


def _forget(uuids: set[str]) -> None:
    """Charts of ours that are no longer defined. Charts that people made stay."""
    from superset import db
    from superset.models.slice import Slice

    for chart in db.session.query(Slice).filter(Slice.uuid.in_(uuids)).all() if uuids else []:
        chart.dashboards = []
        db.session.delete(chart)
    db.session.commit()


def _roles_and_people(specs: Sequence[DashboardSpec], people: list[dict[str, str]]) -> None:
    """Gamma may look and explore; our role opens the data; the API decides which rows and columns of it."""
    from superset import db, security_manager
    from superset.models.dashboard import Dashboard

    dataset = _find_dataset()
    database = dataset.database
    for kind, name in (("database_access", database.perm), ("datasource_access", dataset.perm)):
        security_manager.add_permission_view_menu(kind, name)
    reader = security_manager.add_role(READER)
    reader.permissions = [security_manager.find_permission_view_menu("datasource_access", dataset.perm)]
    sql_lab = security_manager.add_role("Steelyard SQL Lab")
    sql_lab.permissions = [
        *reader.permissions,
        security_manager.find_permission_view_menu("database_access", database.perm),
    ]
    by_name = {role: security_manager.add_role(f"Steelyard {role}") for role in sorted(_roles(people))}
    for person in people:
        roles = [security_manager.find_role("Gamma"), reader, by_name[person["role"]]]
        if person["role"] in _SQL_LAB_ROLES:
            roles += [security_manager.find_role("sql_lab"), sql_lab]
        _account(person, roles)
    guest = security_manager.add_role(
        GUEST
    )  # charts of the dashboard that the token names, and no other data
    guest.permissions = [
        security_manager.add_permission_view_menu(*allowed)
        for allowed in sorted(security_manager.PUBLIC_ROLE_PERMISSIONS | {("can_csv", "Superset")})
    ]
    for spec in specs:
        stored = db.session.query(Dashboard).filter_by(uuid=asset_uuid("dashboard", spec.slug)).one()
        _embedded(stored, asset_uuid("embedded", spec.slug))
        stored.roles = [by_name[role] for role in spec.roles or sorted(by_name) if role in by_name]
    db.session.commit()


def _embedded(dashboard: Any, uuid: str) -> None:
    """Under which name, and in which sites, it may be shown; nowhere by default."""
    from flask import current_app
    from superset import db
    from superset.models.embedded_dashboard import EmbeddedDashboard

    domains = current_app.config["EMBED_DOMAINS"]
    row = db.session.get(EmbeddedDashboard, uuid) or EmbeddedDashboard(uuid=uuid)
    row.dashboard_id, row.allow_domain_list = dashboard.id, ",".join(domains)
    if domains:
        db.session.add(row)
    elif row in db.session:
        db.session.delete(row)


def _roles(people: list[dict[str, str]]) -> set[str]:
    return {person["role"] for person in people}


def _find_dataset() -> Any:
    from superset import db
    from superset.connectors.sqla.models import SqlaTable

    return db.session.query(SqlaTable).filter_by(uuid=DATASET_UUID).one()


def verify(bundle: Bundle, specs: Sequence[DashboardSpec]) -> list[str]:
    """What is missing or different in Superset, in words."""
    from superset import db
    from superset.models.core import Database
    from superset.models.dashboard import Dashboard
    from superset.models.slice import Slice

    problems = []
    database = db.session.query(Database).filter_by(uuid=DATABASE_UUID).one_or_none()
    if database is None or not database.impersonate_user:
        problems.append("The database connection is missing, or does not pass the signed-in user on.")
    there = {str(uuid) for (uuid,) in db.session.query(Slice.uuid).all()}
    for (slug, chart), uuid in bundle.charts.items():
        if uuid not in there:
            problems.append(f"The chart {slug}/{chart} was not imported.")
    for spec in specs:
        stored = db.session.query(Dashboard).filter_by(uuid=asset_uuid("dashboard", spec.slug)).one_or_none()
        wanted = {uuid for (of, _), uuid in bundle.charts.items() if of == spec.slug}
        if stored is None:
            problems.append(f"The dashboard {spec.title} was not imported.")
            continue
        stored_charts = {str(one.uuid) for one in stored.slices}
        if wanted - stored_charts:
            problems.append(f"The dashboard {spec.title} lacks {len(wanted - stored_charts)} of its charts.")
        for one in list(stored.slices):  # what an earlier definition put there
            if str(one.uuid) not in wanted:
                stored.slices.remove(one)
    db.session.commit()
    return problems
