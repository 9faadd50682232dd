"""A shop of two landing tables and five models, small enough to be built a dozen times in a test run."""

from __future__ import annotations

from pathlib import Path

import duckdb

from semantic.sql.quoting import literal

FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
config-version: 2
profile: shop
flags: {send_anonymous_usage_stats: false, require_generic_test_arguments_property: true}
vars: {tax_rate: 0.2}
models:
  shop:
    +materialized: table
    staging: {+materialized: view, +schema: staging}
""",
    "profiles.yml": """
shop:
  target: release
  outputs:
    release: {type: duckdb, path: "{{ env_var('STEELYARD_WAREHOUSE') }}", schema: main, threads: 1}
""",
    "macros/generate_schema_name.sql": """
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
""",
    "macros/taxed.sql": """
{% macro taxed(amount) %}{{ rate() }} * {{ amount }}{% endmacro %}
{% macro rate() %}(1 + {{ var('tax_rate') }}){% endmacro %}
""",
    "models/staging/sources.yml": """
sources:
  - name: landing
    config:
      external_location: "read_parquet('{{ env_var('STEELYARD_LANDING') }}/{name}/*/*.parquet')"
    tables: [{name: sales}, {name: products}]
""",
    "models/staging/stg_sales.sql": "select * from {{ source('landing', 'sales') }}",
    "models/staging/stg_products.sql": "select * from {{ source('landing', 'products') }}",
    "models/dim_product.sql": "select product, department from {{ ref('stg_products') }}",
    "models/fct_sales.sql": """
select s.product, p.department, cast({{ taxed('s.amount') }} as decimal(18, 4)) as amount
from {{ ref('stg_sales') }} as s left join {{ ref('dim_product') }} as p on p.product = s.product
""",
    "models/fct_by_product.sql": """
select product, count(*) as lines from {{ ref('stg_sales') }} group by product
""",
    "models/models.yml": """
models:
  - name: fct_sales
    config: {contract: {enforced: true}}
    columns:
      - {name: product, data_type: varchar, data_tests: [not_null]}
      - {name: department, data_type: varchar}
      - {name: amount, data_type: "decimal(18, 4)"}
  - name: fct_by_product
    columns: [{name: product, data_tests: [unique]}]
  - name: dim_product
    columns: [{name: product, data_tests: [unique, not_null]}]
unit_tests:
  - name: taxes_are_added
    model: fct_sales
    overrides: {vars: {tax_rate: 0.5}}
    given:
      - {input: ref('stg_sales'), rows: [{product: A, amount: 10}]}
      - {input: ref('dim_product'), rows: [{product: A, department: D}]}
    expect: {rows: [{product: A, department: D, amount: 15}]}
""",
}

SALES = "(VALUES ('A', 10.0), ('A', 2.0), ('B', 5.5)) t(product, amount)"
PRODUCTS = "(VALUES ('A', 'FOOD'), ('B', 'DRINK')) t(product, department)"


def write_project(folder: Path) -> Path:
    """The dbt project on disk."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def land(landing: Path, table: str, rows: str, *, batch: str = "b1") -> None:
    """One batch of a landing table from a SQL relation, in place of a batch of that name."""
    folder = landing / table / f"batch={batch}"
    folder.mkdir(parents=True, exist_ok=True)
    duckdb.sql(f"COPY (FROM {rows}) TO {literal(f'{folder}/part-0.parquet')}")


def contents(warehouse: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every relation's rows, sorted: what two equal releases agree on."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        relations = connection.execute(
            "SELECT table_schema || '.' || table_name, table_type FROM information_schema.tables"
        ).fetchall()
        return {
            f"{kind} {name}": sorted(connection.execute(f"FROM {name}").fetchall(), key=repr)
            for name, kind in relations
        }
