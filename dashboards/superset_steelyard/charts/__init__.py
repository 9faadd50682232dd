"""Chart kinds: from an item of a dashboard to the settings that Superset keeps for a chart."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..definitions_context import DefinitionsContext
from ..json_types import Json
from ..spec import Item
from .frame import follows_period
from .parts import bars, heatmap
from .series import colours, columns, line, mixed
from .tables import table
from .tiles import kpi, written

__all__ = ["PALETTE", "colours", "follows_period", "params", "written"]

PALETTE = "steelyard"
_KINDS: Mapping[str, Callable[[Item, DefinitionsContext], Json]] = {
    "kpi": kpi,
    "line": line,
    "columns": columns,
    "bars": bars,
    "mixed": mixed,
    "heatmap": heatmap,
    "table": table,
}


def params(item: Item, context: DefinitionsContext) -> Json:
    """Settings of the chart. Raises KeyError on a kind that does not exist."""
    settings = _KINDS[item.kind](item, context)
    return {**settings, "extra_form_data": {}, "color_scheme": PALETTE}
