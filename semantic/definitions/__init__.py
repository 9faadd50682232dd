"""What exists: the records of a manifest, its rollups, and what a reader may not see.

load_catalog   the catalog of a manifest file with the rollups declared beside it
build_catalog  the catalog of a parsed manifest
Catalog        all definitions, with the look-ups that planning needs
Restriction    everything that a reader may not see: RowRule, MinimumGroup, hidden and masked names
"""

from .catalog import Catalog
from .manifest import build_catalog, load_catalog
from .restriction import MinimumGroup, Restriction, RowRule

__all__ = ["Catalog", "MinimumGroup", "Restriction", "RowRule", "build_catalog", "load_catalog"]
