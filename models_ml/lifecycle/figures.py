"""Figures of the evaluation, in the product's colours, drawn without a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def figure(title: str, height: float = 4.2) -> tuple[Figure, Axes]:
    """A figure and its axes, without the interactive state of pyplot: training runs in any process."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(7.2, height), layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.subplots()
    axes.set_title(title, fontsize=11, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return drawn, axes
