"""The graph as a picture: SVG, layered left to right from source to use (Sugiyama's method)."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement, tostring

from fast_sugiyama import from_edges

from governance.lineage.graph import LineageGraph, Node

Link = Callable[[str], str]
"""Address of a node's own page."""

_BOX_WIDTH, _BOX_HEIGHT, _GAP_X, _GAP_Y, _MARGIN, _LEGEND = 220, 36, 90, 16, 24, 40
_INK, _MUTED, _PAPER = "#1f2933", "#52606d", "#ffffff"
_COLOURS = {
    "file": "#d9e2ec", "source": "#bcccdc", "model": "#b3d4fc", "column": "#e3effd", "feature": "#c6e6d2",
    "metric": "#ffe3a3", "exposure": "#f5c6d6", "model_version": "#d6c8f0", "recommendation": "#ffd0b0",
    "decision": "#f7b7a3", "outcome": "#b8e0d2",
}  # fmt: skip


def to_svg(graph: LineageGraph, *, focus: str = "", link: Link | None = None) -> str:
    """One box per node, coloured by kind; a dashed line says which rows, a solid one which values.

    `focus` gets a heavy frame. Equal graphs give equal pictures.
    """
    places = _places(graph)
    width = max(x for x, _ in places.values()) + _BOX_WIDTH + _MARGIN
    height = max(y for _, y in places.values()) + _BOX_HEIGHT + _MARGIN + _LEGEND
    size = {"width": f"{width:.0f}", "height": f"{height:.0f}", "viewBox": f"0 0 {width:.0f} {height:.0f}"}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img", **size})
    SubElement(svg, "title").text = f"Lineage of {focus}" if focus else "Lineage"
    SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": _PAPER})
    for pair, kind in _lines(graph).items():
        _draw_line(svg, places[pair[0]], places[pair[1]], kind)
    for name in sorted(places):
        holder = SubElement(svg, "a", {"href": link(name)}) if link else svg
        _draw_box(holder, graph.nodes[name], places[name], heavy=name == focus)
    _draw_legend(svg, sorted({graph.nodes[name].kind for name in places}), height - _LEGEND)
    return tostring(svg, encoding="unicode")


def _places(graph: LineageGraph) -> dict[str, tuple[float, float]]:
    """Upper left corner of every box."""
    names = sorted(graph.nodes)
    number = {name: position for position, name in enumerate(names)}
    edges = sorted({(number[e.source], number[e.target]) for e in graph.edges if e.source != e.target})
    places: dict[str, tuple[float, float]] = {}
    below = 0.0  # parts that do not hang together lie one below the other
    for positions, *_ in from_edges(edges) if edges else []:
        real = [(names[at], x, y) for at, (x, y) in positions if isinstance(at, int) and at < len(names)]
        ranks = sorted({y for _, _, y in real}, reverse=True)
        rows = sorted({x for _, x, _ in real})
        step = (_BOX_HEIGHT + _GAP_Y) / 72  # the library leaves 72 between neighbours
        for name, x, y in real:
            across = _MARGIN + ranks.index(y) * (_BOX_WIDTH + _GAP_X)
            places[name] = (across, _MARGIN + below + (x - rows[0]) * step)
        below += (rows[-1] - rows[0]) * step + _BOX_HEIGHT + 2 * _GAP_Y
    for name in names:
        if name not in places:
            places[name] = (_MARGIN, _MARGIN + below)
            below += _BOX_HEIGHT + _GAP_Y
    return places


def _lines(graph: LineageGraph) -> dict[tuple[str, str], str]:
    """One line for each pair of nodes: solid if any of its edges is direct."""
    kinds: dict[tuple[str, str], str] = {}
    for edge in sorted(graph.edges, key=lambda e: (e.source, e.target, e.kind)):
        kinds.setdefault((edge.source, edge.target), edge.kind)  # 'direct' sorts before 'indirect'
    return kinds


def _draw_line(svg: Element, start: tuple[float, float], end: tuple[float, float], kind: str) -> None:
    x, y = start[0] + _BOX_WIDTH, start[1] + _BOX_HEIGHT / 2
    to_x, to_y = end[0], end[1] + _BOX_HEIGHT / 2
    bend = max(30.0, (to_x - x) / 2)
    path = f"M{x:.0f},{y:.0f} C{x + bend:.0f},{y:.0f} {to_x - bend:.0f},{to_y:.0f} {to_x:.0f},{to_y:.0f}"
    style = {"fill": "none", "stroke": "#9aa5b1", "stroke-width": "1.4"}
    dashes = {"stroke-dasharray": "4 4"} if kind == "indirect" else {}
    SubElement(svg, "path", {"d": path, **style, **dashes})


def _draw_box(holder: Element, node: Node, place: tuple[float, float], *, heavy: bool) -> None:
    x, y = place
    group = SubElement(holder, "g", {"transform": f"translate({x:.0f},{y:.0f})"})
    SubElement(group, "title").text = f"{node.id}: {node.label}" if node.label else node.id
    frame = {"stroke": _INK, "stroke-width": "2.5"} if heavy else {"stroke": "#9aa5b1", "stroke-width": "1"}
    box = {"width": str(_BOX_WIDTH), "height": str(_BOX_HEIGHT), "rx": "6"}
    SubElement(group, "rect", {**box, "fill": _COLOURS.get(node.kind, "#e4e7eb"), **frame})
    text = {"x": "10", "font-family": "system-ui, sans-serif"}
    name, caption = _captions(node)
    SubElement(group, "text", {**text, "y": "15", "font-size": "12", "fill": _INK}).text = _short(name, 29)
    SubElement(group, "text", {**text, "y": "29", "font-size": "10", "fill": _MUTED}).text = _short(
        caption, 36
    )


def _captions(node: Node) -> tuple[str, str]:
    """Name and caption: a column is above its table."""
    kind, _, name = node.id.partition(".")
    if kind == "column":
        table, _, column = name.rpartition(".")
        return column, table
    return (name, "which rows there are") if kind == "rows" else (name, node.kind.replace("_", " "))


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else "…" + text[1 - longest :]


def _draw_legend(svg: Element, kinds: list[str], top: float) -> None:
    legend = "solid: values are made of it · dashed: it decides which rows there are · " + ", ".join(
        kind.replace("_", " ") for kind in kinds
    )
    text = {
        "x": str(_MARGIN),
        "y": f"{top + 24:.0f}",
        "font-size": "11",
        "font-family": "system-ui, sans-serif",
    }
    SubElement(svg, "text", {**text, "fill": _MUTED}).text = legend
