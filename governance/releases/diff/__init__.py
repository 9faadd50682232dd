"""What differs between two releases: definitions, columns, what they reach, and the numbers month by month.

`diff_releases(before, after, answer)` gives a `ReleaseDiff`; `answer` asks for a KPI's months in a release.
"""

from governance.releases.diff.changes import FieldChange, NodeChange
from governance.releases.diff.columns import ModelChange
from governance.releases.diff.movement import Answer, KpiMovement, MonthMove
from governance.releases.diff.policies import TagChange
from governance.releases.diff.reach import Reached
from governance.releases.diff.report import ReleaseDiff, diff_releases

__all__ = [
    "Answer",
    "FieldChange",
    "KpiMovement",
    "ModelChange",
    "MonthMove",
    "NodeChange",
    "Reached",
    "ReleaseDiff",
    "TagChange",
    "diff_releases",
]
