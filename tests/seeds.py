"""One seed for a test's random choices: `STEELYARD_TEST_SEED`, else a new one each run."""

from __future__ import annotations

import os
import random


def seeded() -> random.Random:
    """Random numbers whose seed a failing test prints."""
    seed = int(os.environ.get("STEELYARD_TEST_SEED") or random.randrange(1 << 30))
    print(f"seed {seed} (set STEELYARD_TEST_SEED to repeat)")
    return random.Random(seed)
