"""How a question is answered: relational nodes, one module per idea, and their SQL.

Planner       plans one resolved question for one reader
Plan          named subqueries and the select that answers
to_sql        a plan as SQL of any dialect
explain_plan  a plan as indented text
GroupProbe    SQL that counts the contributing entities of an answer's groups
"""

from .explain import explain_plan
from .nodes import Plan
from .planner import Planner
from .suppression_probe import GroupProbe
from .to_sql import to_sql

__all__ = ["GroupProbe", "Plan", "Planner", "explain_plan", "to_sql"]
