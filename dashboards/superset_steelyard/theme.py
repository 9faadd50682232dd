"""The house's look: ink on paper, one accent, colours that stay apart for the colour-blind."""

from __future__ import annotations

import base64

from .json_types import Json

INK = "#1d2733"
ACCENT = "#14607a"
_MARK = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="190" height="40" viewBox="0 0 190 40">'
    '<g fill="none" stroke="{ink}" stroke-width="2.4" stroke-linecap="round">'
    '<path d="M6 13H38"/><path d="M14 7v6"/><path d="M10 13l-4 11h8z" fill="{ink}"/>'
    '<circle cx="31" cy="20" r="4.4" fill="{accent}" stroke="{accent}"/><path d="M31 13v3"/></g>'
    '<text x="48" y="27" font-family="Inter,Helvetica,Arial,sans-serif" font-size="20" font-weight="600" '
    'letter-spacing=".2" fill="{ink}">Steelyard</text></svg>'
)


def _mark(ink: str, accent: str) -> str:
    svg = _MARK.format(ink=ink, accent=accent)
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _theme(algorithm: str, ink: str, accent: str, more: Json) -> Json:
    return {
        "algorithm": algorithm,
        "token": {
            "brandAppName": "Steelyard",
            "brandLogoAlt": "Steelyard",
            "brandLogoUrl": _mark(ink, accent),
            "brandLogoHeight": "34px",
            "brandLogoMargin": "8px 0",
            "brandLogoHref": "/",
            "colorPrimary": accent,
            "colorLink": accent,
            "colorSuccess": "#2c7a4b",
            "colorError": "#b3402a",
            "colorWarning": "#b0741a",
            "fontFamily": "Inter, Helvetica, Arial, sans-serif",
            "fontSize": 14,
            "borderRadius": 4,
            **more,
        },
    }


LIGHT = _theme(
    "default",
    INK,
    ACCENT,
    {"colorBgLayout": "#f4f5f3", "colorTextBase": INK, "colorBorderSecondary": "#e3e5e1"},
)
DARK = _theme("dark", "#e8ecef", "#5fb3cf", {})

COLOURS = [
    "#1f6f8b",
    "#d08c2e",
    "#5b7553",
    "#a4473b",
    "#6b5b95",
    "#8aa9b8",
    "#8c6d46",
    "#b8b15a",
    "#c58aa3",
    "#4a5563",
]
CATEGORICAL: list[Json] = [
    {
        "id": "steelyard",
        "label": "Steelyard",
        "description": "Ten colours that stay apart for the colour-blind",
        "isDefault": True,
        "colors": COLOURS,
    }
]
SEQUENTIAL: list[Json] = [
    {
        "id": "steelyard_blue",
        "label": "Steelyard blue",
        "description": "From paper to ink",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#f7f8f6", "#d5e3e6", "#a5c6cf", "#6aa2b3", "#357d95", "#14607a"],
    }
]
