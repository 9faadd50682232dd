"""What decisions brought: recorded demand replayed under the decision, the proposal and the baseline.

`measure(warehouse, settled, output)` writes one row per settled reorder or transfer whose window has passed.
"""

from models_ml.outcomes.measure import WINDOW_DAYS, measure
from models_ml.outcomes.replay import Replayed, replay

__all__ = ["WINDOW_DAYS", "Replayed", "measure", "replay"]
