"""One kind of recommendation a file: what to do, and its proposal to a person. `KINDS` lists them.

To add a kind: its file, its line here and in `governance.approvals.actions`, its policy cases.
"""

from __future__ import annotations

from models_ml.recommend.kind import Kind
from models_ml.recommend.kinds import cancel, defer, expedite, investigate, markdown, reorder, transfer

KINDS: list[Kind] = [
    transfer.KIND,
    reorder.KIND,
    investigate.KIND,
    expedite.KIND,
    cancel.KIND,
    defer.KIND,
    markdown.KIND,
]
"""In the order in which they plan: what is moved need not be bought, what is cancelled is not deferred."""
