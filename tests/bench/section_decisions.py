"""Decisions: how fast and how large the optimisers run, with their proofs checked in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import numpy as np

from models_ml.recommend.budget_ranking import spend
from models_ml.recommend.flow import Lanes, Segments, is_optimal, move_packs
from models_ml.recommend.markdown_programme import best_plan
from tests.bench import replay_rows
from tests.bench.rows import Row
from tests.models_ml.stock_to_clear import many_items
from tests.seeds import fixed_generator

SECTION = "decisions"


def run(*, quick: bool) -> Iterator[Row]:
    """Quick mode uses a quarter of the product-locations, and replays fewer items."""
    yield from _transfers()
    yield from _open_to_buy()
    yield from _markdowns()
    yield from _many_pairs(25_000 if quick else 100_000)
    yield from replay_rows.run(quick=quick)


def _transfers() -> Iterator[Row]:
    rng = fixed_generator(1)
    products, donors, receivers = 2000, 14, 25
    ids = [np.repeat(np.arange(products), n) for n in (donors, 2 * receivers, donors * receivers)]
    gain = -np.sort(-rng.uniform(0, 3, (products * receivers, 2)), axis=1).ravel()
    lane = np.tile(np.indices((donors, receivers)).reshape(2, -1), products)
    supply = Segments(
        ids[0], np.tile(np.arange(donors), products), rng.integers(1, 9, len(ids[0])),
        rng.uniform(0, 1, len(ids[0])),
    )  # fmt: skip
    need = Segments(
        ids[1], np.tile(np.repeat(np.arange(receivers), 2), products), rng.integers(1, 3, len(ids[1])), gain
    )
    lanes = Lanes(ids[2], lane[0], lane[1], rng.uniform(0.05, 1, len(ids[2])))
    started = time.perf_counter()
    network = move_packs(supply, need, lanes)
    seconds = time.perf_counter() - started
    name = "transfers, 100 stores × 2,000 products, 700,000 lanes"
    yield Row(SECTION, name, "s", seconds, 5.0, holds=seconds <= 5)
    proven = is_optimal(network)
    yield Row(SECTION, "their flow has no residual cycle that saves money", "1 = proven", float(proven), 1.0,
              holds=proven)  # fmt: skip


def _open_to_buy() -> Iterator[Row]:
    rng = fixed_generator(2)
    cost, gain = rng.uniform(0.5, 30, 1_400_000), rng.uniform(0, 9, 1_400_000)
    started = time.perf_counter()
    spend(cost, gain, cost.sum() / 3)
    seconds = time.perf_counter() - started
    yield Row(SECTION, "open-to-buy, 1.4 M packs, one budget, exact", "s", seconds, 2.0, holds=seconds <= 2)


def _markdowns() -> Iterator[Row]:
    items = many_items(fixed_generator(3), 2000)
    started = time.perf_counter()
    best_plan(items, np.array([0, 0.1, 0.2, 0.3, 0.5]))
    seconds = time.perf_counter() - started
    name = "markdowns, 2,000 items × 4 weeks × 5 depths × 61 stock levels"
    yield Row(SECTION, name, "s", seconds, 15.0, holds=seconds <= 15)


def _many_pairs(pairs: int) -> Iterator[Row]:
    """Memory of a quarter, half and all of them: it should grow far less than they do."""
    sizes = (pairs // 4, pairs // 2, pairs)
    measured = [_child(size) for size in sizes]
    seconds, name = measured[-1]["seconds"], f"{pairs:,} product-locations to finished proposals"
    yield Row(SECTION, name, "s", seconds, 60.0, holds=seconds <= 60)
    yield Row(SECTION, f"{name}: how many", "proposals", measured[-1]["proposals"])
    for size, one in zip(sizes, measured, strict=True):
        yield Row(SECTION, f"peak memory at {size:,} (peer: at {sizes[0]:,})", "MB", one["peak_mb"], 4096.0,
                  peer=measured[0]["peak_mb"], ratio=one["peak_mb"] / measured[0]["peak_mb"],
                  holds=one["peak_mb"] <= 4096)  # fmt: skip


def _child(pairs: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.bench.many_pairs", str(pairs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured: dict[str, float] = json.loads(done.stdout)
    return measured
