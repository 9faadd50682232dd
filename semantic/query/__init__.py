"""What is asked: a request, its names resolved, its filters parsed.

MetricQuery    one question by names, not resolved yet
ResolvedQuery  the question with the grain of each time and the references of each filter
NameResolver   look-ups of names for one reader
Resolver       where an item is, seen from a model: its own column, or a path of joins
"""

from .names import NameResolver
from .request import MetricQuery
from .resolve import Resolver
from .resolved import ResolvedQuery

__all__ = ["MetricQuery", "NameResolver", "ResolvedQuery", "Resolver"]
