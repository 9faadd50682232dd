"""`steelyard model train|search|list|review|approve|reject|promote|rollback`."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import Json, console, print_json, print_table
from api.cli.services import AsUser, person_named, services, settings

if TYPE_CHECKING:
    from api.pipeline.results import Row
    from api.services.model_service import ReviewedVersion

app = typer.Typer(no_args_is_help=True, add_completion=False)
Name = Annotated[str, typer.Argument(help="Model name.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; the next reader will ask.")]


@app.command()
def train(
    name: Annotated[
        list[str] | None, typer.Option("--name", help="Model to train; may be repeated. All by default.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Backtest, fit and register on the current release; makes a challenger, never a champion."""
    from api.pipeline.models import train_models
    from models_ml.models import MODELS

    chosen = tuple(name or MODELS)
    unknown = [one for one in chosen if one not in MODELS]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is not one of {', '.join(MODELS)}")
    with console.status("training …") as status:
        result = train_models(
            settings(), lambda what, done=0, total=0: status.update(f"train: {what}"), chosen
        )
    if as_json:
        print_json(result.as_dict())
        return
    for model, reason in result.waits.items():
        console.print(f"{model} waits: {reason}")
    for trained in result.models:
        reused = " (nothing had changed)" if trained.unchanged else ""
        console.print(f"{trained.name} version [bold]{trained.version}[/]{reused}")
        print_evaluation(trained.name, trained.evaluation)


@app.command()
def search(
    trials: Annotated[int, typer.Option("--trials", min=1, help="At most so many sets of settings.")] = 20,
    minutes: Annotated[float, typer.Option("--minutes", min=0.1, help="At most so long.")] = 15.0,
    as_json: Json = False,
) -> None:
    """Look for better settings of the demand model on weeks that no reported figure comes from.

    What is found is kept in MLflow; the settings change by review of the code, not by themselves.
    """
    from api.pipeline.models import search_demand

    with console.status("search …") as status:
        search_result = search_demand(
            settings(), lambda what, done=0, total=0: status.update(what), trials=trials, seconds=minutes * 60
        )
    if as_json:
        print_json(search_result.as_dict())
        return
    ranked = sorted(enumerate(search_result.trials), key=lambda each: each[1].relative_pinball)
    rows = [
        (
            number or "in force",
            f"{trial.relative_pinball:.4f}",
            *(f"{trial.scores[f'{tier}_pinball']:.4f}" for tier in ("category", "product")),
            ", ".join(f"{name} {value:.3g}" for name, value in trial.settings.items()),
            f"{trial.seconds:.0f}",
        )
        for number, trial in ranked[:10]
    ]
    columns = ["trial", "pinball, relative", "category", "product", "settings", "s"]
    print_table(f"Weeks up to {search_result.window_through_week} only", columns, rows)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Registered versions, newest first."""
    from models_ml.models import MODELS

    versions = services().models.versions()
    if as_json:
        print_json([reviewed.as_dict() for reviewed in versions])
        return
    table_rows = [
        (
            reviewed.version.name,
            reviewed.version.version,
            ", ".join(reviewed.version.aliases),
            reviewed.version.trained_by,
            reviewed.review and reviewed.review.decision,
            MODELS[reviewed.version.name].headline(reviewed.version.metrics),
            reviewed.version.release_id,
        )
        for reviewed in versions
    ]
    columns = ["name", "version", "alias", "trained by", "review", "backtest", "release"]
    print_table("Models", columns, table_rows)


@app.command()
def review(name: Name, version: str | None = None, as_json: Json = False) -> None:
    """Set a version (the newest by default) beside the champion."""
    comparison = services().models.review(name, version)
    if as_json:
        print_json(comparison.as_dict())
        return
    rows = [(pair.metric, pair.challenger, pair.champion) for pair in comparison.metrics]
    champion = comparison.champion
    columns = [
        "metric",
        f"version {comparison.challenger.version.version}",
        f"champion {champion.version.version if champion else '–'}",
    ]
    print_table(f"Review of {name}", columns, rows)


@app.command()
def approve(name: Name, version: str, reason: Reason, as_user: AsUser = None, as_json: Json = False) -> None:
    """Approve exactly the registered artifact; needs an ml_reviewer who did not train it."""
    _judge(name, version, "approve", reason, as_user, as_json)


@app.command()
def reject(name: Name, version: str, reason: Reason, as_user: AsUser = None, as_json: Json = False) -> None:
    """Reject; the version never scores."""
    _judge(name, version, "reject", reason, as_user, as_json)


@app.command()
def promote(name: Name, version: str, as_user: AsUser = None, as_json: Json = False) -> None:
    """Let an approved version score."""
    _say(services().models.promote(person_named(as_user), name, version), as_json)


@app.command()
def rollback(name: Name, as_user: AsUser = None, as_json: Json = False) -> None:
    """Let the approved version before the champion score again."""
    _say(services().models.roll_back(person_named(as_user), name), as_json)


def print_evaluation(name: str, rows: list[Row]) -> None:
    """The backtest: model and baselines in one table."""
    from models_ml.models import MODELS

    columns = MODELS[name].columns
    overall = [row for row in rows if row["slice"] == "all"]
    print_table("Backtest", columns, [[row[column] for column in columns] for row in overall])


def _judge(name: str, version: str, decision: str, reason: str, user: str | None, as_json: bool) -> None:
    judged = services().models.judge(
        person_named(user), name, version, decision=decision, reason=reason, request_id=f"cli-{uuid.uuid4()}"
    )
    if as_json:
        print_json(vars(judged))
    else:
        console.print(f"{name} version {version}: {decision} by {judged.reviewed_by}.")


def _say(reviewed: ReviewedVersion, as_json: bool) -> None:
    if as_json:
        print_json(reviewed.as_dict())
    else:
        version = reviewed.version
        console.print(f"{version.name} version [bold]{version.version}[/] scores from now on.")
