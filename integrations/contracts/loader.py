"""Read Open Data Contract Standard YAML into `Contract`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from integrations.contracts.model import Column, Contract, Reference
from integrations.errors import ContractError
from semantic.suggest import near

FOLDER = Path(__file__).parent
PLATFORM = "platform"  # folder of the tables that Steelyard writes itself
# Parents before children, so that unknown keys can be reported as soon as a table is in.
ORDER = (
    "suppliers", "products", "locations", "customers", "consents", "campaigns", "coupon_redemptions",
    "sales_lines", "returns", "promotions", "price_changes", "purchase_orders", "purchase_order_lines",
    "receipts", "transfers", "inventory_movements", "inventory_snapshots", "inventory_lots", "invoices",
    "payments", "budgets",
)  # fmt: skip


@cache
def contracts() -> Mapping[str, Contract]:
    """The contracts that a retailer's source may deliver, by table, parents first. Raises ContractError."""
    return {table: read_contract(FOLDER / f"{table}.yaml") for table in ORDER}


@cache
def platform_contracts() -> Mapping[str, Contract]:
    """The contracts of what Steelyard itself records, by table: no source may deliver them.

    Raises ContractError, also if a table would take a retailer's name.
    """
    platform = {path.stem: read_contract(path) for path in sorted((FOLDER / PLATFORM).glob("*.yaml"))}
    if doubled := platform.keys() & set(ORDER):
        raise ContractError(f"Table '{min(doubled)}' has two contracts: a retailer's and the platform's.")
    return platform


def contract(table: str) -> Contract:
    """The contract of one table, whoever delivers it. Raises ContractError naming the tables there are."""
    try:
        return {**contracts(), **platform_contracts()}[table]
    except KeyError:
        tables = "Tables: " + ", ".join(sorted(ORDER)) + "."
        hint = f"{near(table, ORDER, 1)} {tables}".lstrip()
        raise ContractError(f"There is no contract for table '{table}'.", hint=hint) from None


def read_contract(path: Path) -> Contract:
    """One YAML file. Raises ContractError naming the file when it is not a v3 contract of one table."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if document["kind"] != "DataContract" or not document["apiVersion"].startswith("v3."):
            raise ContractError(f"{path.name} is not an Open Data Contract Standard v3 document.")
        (schema,) = document["schema"]
        latency = next(p["value"] for p in document["slaProperties"] if p["property"] == "latency")
        duplicates = next(q for q in schema["quality"] if q.get("metric") == "duplicateValues")
        return Contract(
            table=schema["name"],
            version=document["version"],
            purpose=document["description"]["purpose"],
            grain=schema["description"],
            freshness_days=latency,
            columns=tuple(_column(p) for p in schema["properties"]),
            duplicate_keys=duplicates["severity"],
            fingerprint=_fingerprint(document),
        )
    except (OSError, KeyError, TypeError, ValueError, StopIteration, yaml.YAMLError) as error:
        raise ContractError(f"Contract {path.name} cannot be read: {error!r}.") from error


def _column(property_: Mapping[str, Any]) -> Column:
    options = property_.get("logicalTypeOptions", {})
    quality = property_.get("quality", [])
    allowed = [q["arguments"]["validValues"] for q in quality if q.get("metric") == "invalidValues"]
    relations = property_.get("relationships", [])
    custom = {c["property"]: c["value"] for c in property_.get("customProperties", [])}
    return Column(
        name=property_["name"],
        physical_type=property_["physicalType"],
        description=property_["description"],
        required=property_["required"],
        is_key=property_.get("primaryKey", False),
        unit=custom.get("unit"),
        former_name=custom.get("formerName"),
        classification=property_.get("classification"),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        allowed_values=tuple(allowed[0]) if allowed else (),
        not_in_future=any(q.get("implementation") == "not_in_future" for q in quality),
        reference=_reference(relations[0]["to"]) if relations else None,
    )


def _reference(target: str) -> Reference:
    table, column = target.split(".")
    return Reference(table=table, column=column)


def _fingerprint(document: Mapping[str, object]) -> str:
    """Hash of what decides the rows (columns and rules), so that a reworded purpose reloads nothing."""
    meaning = json.dumps(document["schema"], sort_keys=True)
    return hashlib.sha256(meaning.encode()).hexdigest()[:16]
