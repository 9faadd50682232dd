"""Lineage: source file → staging → mart → metric, in both directions, by table and by column.

For explaining, never the gate: access is decided by `governance.policy.restriction` alone.
"""

from governance.lineage.build import SourceFile, build_lineage, write_lineage
from governance.lineage.graph import Edge, LineageGraph, Node

__all__ = ["Edge", "LineageGraph", "Node", "SourceFile", "build_lineage", "write_lineage"]
