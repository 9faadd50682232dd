"""Policy replay: what would the held-out weeks have cost and lost under each ordering policy?

Recorded demand, shared random lead times, packs and lost sales, day by day; every policy is swept over its
knob and compared at the same fill rate. Public: `read_world`, `replay`, `compare`.
"""

from __future__ import annotations

from models_ml.replay.compare import Comparison, compare
from models_ml.replay.run import Outcome, ReplaySettings, replay
from models_ml.replay.world import World, read_world

__all__ = ["Comparison", "Outcome", "ReplaySettings", "World", "compare", "read_world", "replay"]
