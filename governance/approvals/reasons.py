"""Reason codes of overrides and rejections, so that they can be counted and learned from."""

from __future__ import annotations

from governance.errors import InvalidDecisionError

REASON_CODES = {
    "local-event": "something local that the model cannot know",
    "promotion-changed": "the promotion was moved, added or cancelled",
    "stock-wrong": "the stock record is wrong",
    "supplier-issue": "the supplier cannot deliver, or not in time",
    "space": "no room on the shelf or in the back room",
    "budget": "the money is needed elsewhere",
    "forecast-too-high": "demand will be lower",
    "forecast-too-low": "demand will be higher",
    "quality": "a quality or recall concern",
    "range-change": "the product enters or leaves the range",
    "duplicate": "already ordered another way",
    "other": "said in the note, which is then required",
}


def check_reason(decision: str, reason_code: str | None, note: str | None) -> None:
    """Overrides and rejections need a known code; `other` needs a note. Raises InvalidDecisionError."""
    if reason_code is not None and reason_code not in REASON_CODES:
        raise InvalidDecisionError(
            f"No reason code {reason_code!r}.", hint=f"codes: {', '.join(REASON_CODES)}"
        )
    if decision == "approve":
        return
    if reason_code is None:
        raise InvalidDecisionError(f"To {decision} needs a reason.", hint=f"codes: {', '.join(REASON_CODES)}")
    if reason_code == "other" and not (note or "").strip():
        raise InvalidDecisionError("The reason 'other' needs a note.")
