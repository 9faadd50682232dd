"""The demo's past weeks of decisions: rule proposals as of then, simulated planners, real approval code.

Every row is marked as history and simulated. Nothing of it touches the ops store that people decide in.
"""

from integrations.demo.decisions.history import history_database, make_history

__all__ = ["history_database", "make_history"]
