"""What is read from JSON or YAML or written as such: dbt's manifests, tokens, details of a proposal.

Another program, or a person, decides what such an object holds: whoever reads a field checks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

JsonObject: TypeAlias = Mapping[str, Any]
"""One that is read."""

JsonDict: TypeAlias = dict[str, Any]
"""One that is being made."""
