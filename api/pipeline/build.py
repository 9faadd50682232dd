"""From the source to a release that serves: ingest, build, publish."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path

from api.pipeline.results import BuildResult, IngestResult, PublishResult
from api.services.lineage_events import LineageEvents
from api.settings import Settings
from governance.lineage import LineageGraph, SourceFile, write_lineage
from governance.progress import Progress
from governance.releases import BuildState, ReleaseStore, build_release, project_fingerprint
from integrations.retailer import Retailer, dbt_variables, retailer_of


def ingest_step(settings: Settings, report: Progress) -> IngestResult:
    """The configured source into the landing."""
    from integrations.ingest import ingest
    from integrations.sources.named import source_named

    ingested = ingest(
        source_named(settings.source, planted_anomalies=settings.var_dir / "demo_truth"),
        settings.landing,
        settings.quarantine,
        progress=report,
        tolerance=retailer_settings(settings).tolerated_bad_rows,
    )
    return IngestResult.model_validate(
        {
            **ingested.as_dict(),
            "rows_loaded": ingested.rows_loaded,
            "rows_quarantined": ingested.rows_quarantined,
            "unchanged": not ingested.changed,
        }
    )


def build_step(settings: Settings, report: Progress) -> BuildResult:
    """A sealed release of the landing and the dbt project; the one that exists if nothing changed.

    What has not changed since an older release is reused from it. Raises LandingIncompleteError if the
    last ingest did not reach its end, and NoSalesError if nothing was ever sold.
    """
    from integrations.ingest import require_complete, require_sales

    require_complete(settings.landing)
    require_sales(settings.landing)
    fingerprint = build_fingerprint(settings)
    for release in reversed(ReleaseStore(settings.var_dir).list()):
        if release.fingerprint == fingerprint:
            return BuildResult(release_id=release.release_id, unchanged=True)
    return _build(settings, report, full=False)


def full_build_step(settings: Settings, report: Progress) -> BuildResult:
    """As `build_step`, but every model is built and every test run, whatever older releases hold."""
    from integrations.ingest import require_complete, require_sales

    require_complete(settings.landing)
    require_sales(settings.landing)
    return _build(settings, report, full=True)


def publish_step(settings: Settings, report: Progress) -> PublishResult:
    """Let the release of the build step serve."""
    store = ReleaseStore(settings.var_dir)
    fingerprint = build_fingerprint(settings)
    release = next(r for r in reversed(store.list()) if r.fingerprint == fingerprint)
    store.publish(release.release_id)
    return PublishResult(release_id=release.release_id)


def serves(settings: Settings, result: PublishResult) -> bool:
    """The published release is the one that serves."""
    return ReleaseStore(settings.var_dir).current_id() == result.release_id


def build_fingerprint(settings: Settings) -> str:
    """Changes with the dbt project, the retailer's settings and what is in the landing."""
    return data_fingerprint(settings)


def data_fingerprint(settings: Settings, *, without: Collection[str] = ()) -> str:
    """The above, without some tables of the landing."""
    variables = dbt_variables(retailer_settings(settings))
    return project_fingerprint(settings.project_dir, settings.landing, without=without, variables=variables)


def retailer_settings(settings: Settings) -> Retailer:
    """`retailer.yaml` of the configured source. Raises RetailerInvalidError."""
    return retailer_of(settings.retailer, settings.source)


def _build(settings: Settings, report: Progress, *, full: bool) -> BuildResult:
    store = ReleaseStore(settings.var_dir)
    release = build_release(
        store,
        project_dir=settings.project_dir,
        landing=settings.landing,
        write_lineage=_lineage_writer(settings, store),
        progress=report,
        full=full,
        memory_limit=settings.build_memory,
        variables=dbt_variables(retailer_settings(settings)),
    )
    LineageEvents(settings).built(release)
    state, facts = BuildState.read(release), LineageGraph.load(release.lineage).facts
    built = {"release_id": release.release_id, "lineage": facts} | (state.summary() if state else {})
    return BuildResult.model_validate(built)


def _lineage_writer(settings: Settings, store: ReleaseStore) -> Callable[[Path], object]:
    """Writes the lineage of a release in the making, from the landed files on."""
    from integrations.ingest import landed_batches

    files = [SourceFile(b.label, b.table, b.batch_id) for b in landed_batches(settings.landing)]
    earlier = store.list()
    previous = earlier[-1].lineage if earlier else None
    return partial(write_lineage, files=files, previous=previous)
