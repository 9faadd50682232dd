"""Contracts say what is landed, and what is landed is what contracts say."""

from __future__ import annotations

import pytest
import yaml

from integrations.contracts import contract, contracts, read_contract
from integrations.contracts.loader import FOLDER
from integrations.errors import ContractError

TABLES = [
    "products",
    "locations",
    "customers",
    "consents",
    "sales_lines",
    "returns",
    "promotions",
    "price_changes",
    "inventory_snapshots",
    "inventory_lots",
    "inventory_movements",
    "purchase_orders",
    "purchase_order_lines",
    "receipts",
    "transfers",
    "suppliers",
    "invoices",
    "payments",
    "budgets",
    "campaigns",
    "coupon_redemptions",
]


def test_there_is_one_contract_per_table():
    assert sorted(contracts()) == sorted(TABLES)
    assert sorted(p.stem for p in FOLDER.glob("*.yaml")) == sorted(TABLES)


@pytest.mark.parametrize("table", TABLES)
def test_landed_columns_and_types_equal_the_contract(demo, table):
    described = demo.connect().execute(f"DESCRIBE {table}").fetchall()
    landed = [(row[0], row[1]) for row in described]
    promised = [(c.name, c.physical_type) for c in contract(table).columns]
    assert landed == [
        *promised,
        ("is_simulated", "BOOLEAN"),
        ("batch_sequence", "INTEGER"),
        ("batch", "VARCHAR"),
    ]


@pytest.mark.parametrize("table", TABLES)
def test_landed_rows_keep_the_contract(demo, table):
    """Keys unique (but where a contract only warns), required values there: asked in plain SQL."""
    con, terms = demo.connect(), contract(table)
    if terms.duplicate_keys == "error":
        key = ", ".join(terms.key)
        sql = f"SELECT count(*) FROM (SELECT {key} FROM {table} GROUP BY ALL HAVING count(*) > 1)"
        assert con.execute(sql).fetchall() == [(0,)]
    for column in terms.columns:
        if column.required:
            sql = f"SELECT count(*) FROM {table} WHERE {column.name} IS NULL"
            assert con.execute(sql).fetchall() == [(0,)], column.name


@pytest.mark.parametrize("table", TABLES)
def test_references_point_to_contracts(table):
    for column in contract(table).columns:
        if column.reference is not None:
            contract(column.reference.table).column(column.reference.column)


def test_personal_data_is_marked():
    marked = {c.name for c in contract("customers").columns if c.pii_class}
    assert marked == {c.name for c in contract("customers").columns}
    for table, terms in contracts().items():
        for column in terms.columns:
            assert (column.name == "customer_id") <= (column.pii_class == "identifier"), table


@pytest.mark.parametrize("table", TABLES)
def test_documents_are_open_data_contracts(table):
    document = yaml.safe_load((FOLDER / f"{table}.yaml").read_text(encoding="utf-8"))
    assert document["apiVersion"].startswith("v3.") and document["kind"] == "DataContract"
    assert document["description"]["purpose"] and document["status"] == "active"
    for property_ in document["schema"][0]["properties"]:
        assert property_["description"], property_["name"]


def test_unknown_and_unreadable_contracts_are_named(tmp_path):
    with pytest.raises(ContractError, match="'sale_lines'"):
        contract("sale_lines")
    broken = tmp_path / "broken.yaml"
    broken.write_text("kind: DataContract\napiVersion: v3.1.0\nschema: []\n")
    with pytest.raises(ContractError, match=r"broken\.yaml"):
        read_contract(broken)
