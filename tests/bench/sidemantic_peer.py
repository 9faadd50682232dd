"""How fast Sidemantic plans a simple metric, in an environment and a process of its own.

It is compared with, nothing more: its licence (AGPL) keeps it out of the product's environment.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.bench.places import KEPT

VERSION = "0.13.0"
HOME = KEPT / "sidemantic"
SCRIPT = """
import statistics, time
from sidemantic import Dimension, Metric, Model, SemanticLayer
layer = SemanticLayer(auto_register=False)
layer.add_model(Model(
    name="sales", table="main.fct_sales", primary_key="sale_id",
    dimensions=[Dimension(name="date_day", type="time", granularity="day", sql="date_day")],
    metrics=[Metric(name="net_sales", agg="sum", sql="amount")]))
took = []
for _ in range(300):
    started = time.perf_counter()
    layer.compile(metrics=["sales.net_sales"], dimensions=["sales.date_day__week"])
    took.append(time.perf_counter() - started)
print(1e3 * statistics.median(took[10:]))
"""


def sidemantic_plan_ms() -> float | None:
    """Median milliseconds to plan net sales by week; None where the package cannot be installed (offline)."""
    python = HOME / "bin" / "python"
    uv = [str(Path(sys.executable).with_name("uv"))]
    try:
        if not python.exists():
            HOME.parent.mkdir(parents=True, exist_ok=True)
            _run([*uv, "venv", "--quiet", "--python", sys.executable, str(HOME)])
            _run([*uv, "pip", "install", "--quiet", "--python", str(python), f"sidemantic=={VERSION}"])
        return float(_run([str(python), "-c", SCRIPT]).strip().splitlines()[-1])
    except (subprocess.CalledProcessError, OSError):
        return None


def _run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
