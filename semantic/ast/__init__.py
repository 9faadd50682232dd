"""SQL expressions: those of definitions, bound to tables, and small constructors of new ones.

bind       a definition's expression over the columns of a table
column     `alias.name`
Window     a length of time: 28 days, 1 month
"""

from .bind import bind, column
from .grains import Window

__all__ = ["Window", "bind", "column"]
