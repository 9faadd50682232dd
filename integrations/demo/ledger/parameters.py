"""The ledger's parameters, read from `parameters.yaml`, and its independent seeded random streams."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import yaml

FILE = Path(__file__).with_name("parameters.yaml")


class Parameters:
    """Parameters of one version of the ledger. `section("policy")` is a mapping of the YAML."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values

    @classmethod
    def read(cls, path: Path = FILE) -> Parameters:
        """The packaged parameters, or another file of the same shape."""
        return cls(yaml.safe_load(path.read_text(encoding="utf-8")))

    def section(self, name: str) -> dict[str, Any]:
        """One section of the YAML. Raises KeyError."""
        section: dict[str, Any] = self.values[name]
        return section

    def interval(self, *path: str) -> tuple[float, float]:
        """The two bounds at a path of the YAML. Raises KeyError."""
        value: Any = self.values
        for key in path:
            value = value[key]
        low, high = value
        return float(low), float(high)

    def stream(self, purpose: str) -> np.random.Generator:
        """A random stream of its own per purpose: a change in one part leaves the others as they were."""
        return np.random.default_rng([int(self.values["seed"]), zlib.crc32(purpose.encode())])
