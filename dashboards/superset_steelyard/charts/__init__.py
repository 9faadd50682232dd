"""Chart kinds: from an item of a board to the settings that Superset keeps for a chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..definitions_context import Known, Params
from ..spec import Item
from .frame import follows_period
from .parts import bars, heatmap
from .series import colours, columns, line, mixed
from .tables import table
from .tiles import kpi, written

__all__ = ["PALETTE", "colours", "follows_period", "params", "written"]

PALETTE = "steelyard"
_KINDS: Mapping[str, Callable[[Item, Known], Params]] = {
    "kpi": kpi,
    "line": line,
    "columns": columns,
    "bars": bars,
    "mixed": mixed,
    "heatmap": heatmap,
    "table": table,
}


def params(item: Item, known: Known) -> Params:
    """Settings of the chart. Raises KeyError on a kind that does not exist."""
    made = _KINDS[item.kind](item, known)
    return {**made, "extra_form_data": {}, "color_scheme": PALETTE}
