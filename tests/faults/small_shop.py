"""The example retailer's products and sales under a dbt project of four models: a release in two seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

from api.settings import Settings
from tests.conftest import ROOT

EXAMPLE = ROOT / "docs" / "examples" / "retailer"
_READ = "read_parquet('{{ env_var('STEELYARD_LANDING') }}/{name}/*/*.parquet')"
_FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
config-version: 2
profile: shop
flags: {send_anonymous_usage_stats: false, require_generic_test_arguments_property: true}
models: {shop: {+materialized: table}}
""",
    "profiles.yml": """
shop:
  target: release
  outputs:
    release: {type: duckdb, path: "{{ env_var('STEELYARD_WAREHOUSE') }}", schema: main, threads: 1}
""",
    "models/sources.yml": f"""
sources:
  - name: landing
    config: {{external_location: "{_READ}"}}
    tables: [{{name: products}}, {{name: sales_lines}}]
""",
    "models/dim_product.sql": """
select product_id, department from {{ source('landing', 'products') }}
qualify row_number() over (partition by product_id order by batch_sequence desc) = 1
""",
    "models/fct_sales.sql": """
select sales_line_id, business_date, sold_at, product_id, department, sales_value
from {{ source('landing', 'sales_lines') }} left join {{ ref('dim_product') }} using (product_id)
qualify row_number() over (partition by sales_line_id order by batch_sequence desc) = 1
""",
    "models/fct_by_day.sql": """
select business_date, count(*) as lines, sum(sales_value) as sales_value
from {{ ref('fct_sales') }} group by business_date
""",
    "models/models.yml": """
models:
  - name: dim_product
    columns: [{name: product_id, data_tests: [unique, not_null]}]
  - name: fct_sales
    columns: [{name: sales_line_id, data_tests: [unique, not_null]}]
""",
}


def open_shop(root: Path) -> Settings:
    """Project and first delivery below `root`: half of the sales."""
    for name, text in _FILES.items():
        path = root / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for table in ("products", "locations", "sales_lines"):
        shutil.copytree(EXAMPLE / table, root / "in" / table)
    deliver(root, "all.csv", slice(None, 450))
    return shop(root)


def deliver(root: Path, name: str, lines: slice) -> None:
    """A file of sales lines of the example."""
    header, *rows = (EXAMPLE / "sales_lines" / "all.csv").read_text().splitlines()
    (root / "in" / "sales_lines" / name).write_text("\n".join([header, *rows[lines]]) + "\n")


def shop(root: Path) -> Settings:
    """Settings of the shop below `root`."""
    return Settings(var_dir=root / "var", project_dir=root / "project", source=str(root / "in"))
