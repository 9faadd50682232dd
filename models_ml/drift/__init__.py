"""Monitoring: what changed in a week against the weeks before it, named, and what to do about it.

`monitor` watches a release; `alerts` says which changes count; `retraining` says when to train again.
"""

from __future__ import annotations


def report_name(model: str) -> str:
    """File of a model's drift report."""
    return f"drift_{model}.html"
