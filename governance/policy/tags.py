"""Tags: what dbt's `config.meta` says of a metric, a dimension, an entity or a column."""

from __future__ import annotations

from dataclasses import dataclass

from governance.errors import PolicyBrokenError
from governance.json_types import JsonObject

PII = ("none", "quasi_identifier", "pseudonym", "identifier")
NAMES_A_PERSON = ("pseudonym", "identifier")


@dataclass(frozen=True)
class Tags:
    """pii: none, quasi_identifier, pseudonym or identifier. purpose: the one that is demanded, or None."""

    pii: str = "none"
    margin_sensitive: bool = False
    supplier_terms: bool = False
    purpose: str | None = None

    def __or__(self, other: Tags) -> Tags:
        """The stricter of both. Raises PolicyBrokenError when two purposes are demanded at once."""
        if self.purpose and other.purpose and self.purpose != other.purpose:
            raise PolicyBrokenError(f"One metric demands two purposes: {self.purpose} and {other.purpose}.")
        return Tags(
            max(self.pii, other.pii, key=PII.index),
            self.margin_sensitive or other.margin_sensitive,
            self.supplier_terms or other.supplier_terms,
            self.purpose or other.purpose,
        )

    @property
    def names_a_person(self) -> bool:
        """Whether each value belongs to one household."""
        return self.pii in NAMES_A_PERSON

    @property
    def is_personal(self) -> bool:
        """Whether the values say something about single households."""
        return self.pii != "none" or self.purpose is not None

    @classmethod
    def of(cls, node: JsonObject, default_pii: str = "none") -> Tags:
        """From a node of a manifest. A tag with a value we don't know counts as the strictest."""
        meta = _meta(node)
        pii = meta.get("pii", default_pii)
        pii = (
            {True: "identifier", False: "none", None: "none"}.get(pii, pii)
            if not isinstance(pii, str)
            else pii
        )
        purpose = meta.get("purpose")
        return cls(
            pii if pii in PII else "identifier",
            bool(meta.get("margin_sensitive", meta.get("margin-sensitive", False))),
            bool(meta.get("supplier_terms", False)),
            None if purpose is None else str(purpose),
        )


def declares_pii(node: JsonObject) -> bool:
    """Whether somebody said of this node how personal it is."""
    return "pii" in _meta(node)


def _meta(node: JsonObject) -> JsonObject:
    meta: JsonObject = (node.get("config") or {}).get("meta") or {}
    return meta
