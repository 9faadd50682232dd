"""Names that stay: every asset has the same uuid in every installation and after every sync."""

from __future__ import annotations

import uuid

_NAMESPACE = uuid.UUID("5f0ce6f4-4f0a-5f4b-9b7e-2f1f5b7d9a11")

DATABASE_NAME = "Steelyard"
GUEST_AUDIENCE = "steelyard-superset"
DATASET_NAME = "metrics"


def asset_uuid(kind: str, *name: str) -> str:
    """uuid5 of what the asset is, such as ("chart", "stock", "turns")."""
    return str(uuid.uuid5(_NAMESPACE, "/".join((kind, *name))))


def chart_number(chart_uuid: str) -> int:
    """The number by which a bundle's filters and layout name a chart before Superset gives it its own."""
    return int(uuid.UUID(chart_uuid)) % 2_000_000_000


DATABASE_UUID = asset_uuid("database", DATABASE_NAME)
DATASET_UUID = asset_uuid("dataset", DATASET_NAME)
