"""What groups of households tell together: complementary suppression, and a history that stops differencing.

`GroupControl.suppress` reviews the probes of one compiled query for one reader and names the groups that must
not show beside those that the threshold already hides. Method, sources and limits: docs/decisions/0004.
"""

from governance.disclosure.control import GroupControl

__all__ = ["GroupControl"]
