"""One seed for all random faults: `STEELYARD_TEST_SEED`, else a new one each run. Tests print it."""

import os

SEED = int(os.environ.get("STEELYARD_TEST_SEED", "0")) or int.from_bytes(os.urandom(3), "big")
