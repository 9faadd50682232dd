"""The one seed of the tests' random choices: `STEELYARD_TEST_SEED`, else a new one each run.

No test makes a generator of its own: a failing test prints the seed, and one variable repeats the run. The
processes of `pytest -n` inherit the seed of the first. Hypothesis draws from it too (see `conftest.py`).
"""

from __future__ import annotations

import os
import random

import numpy as np

SEED = int(os.environ.setdefault("STEELYARD_TEST_SEED", str(random.randrange(1 << 30))))
FULL = os.environ.get("STEELYARD_TEST_FULL") == "1"


def sample(count: int, *, full: int) -> int:
    """How many random cases to try: more in `make test-full`."""
    return full if FULL else count


def seeded(*salt: object) -> random.Random:
    """Random choices of this run; each salt has its own."""
    _print()
    return random.Random(":".join(map(str, (SEED, *salt))))


def generator(*salt: int) -> np.random.Generator:
    """Random arrays of this run; each salt has its own."""
    _print()
    return np.random.default_rng([SEED, *salt])


def fixed_random(number: int) -> random.Random:
    """Choices that are the same each run: sample data, and workloads of benchmarks, compared by date."""
    return random.Random(number)


def fixed_generator(number: int) -> np.random.Generator:
    """Arrays that are the same each run: sample data, and statistics whose tolerance holds for this draw."""
    return np.random.default_rng(number)


def _print() -> None:
    print(f"STEELYARD_TEST_SEED={SEED} repeats this run")
