"""What recommendations read of a release, for lineage."""

POSITION_TABLES = (
    "fct_inventory_daily", "fct_purchase_order_lines", "fct_transfers", "fct_sales_lines", "dim_location",
    "dim_product", "dim_supplier", "dim_customer", "fct_open_to_buy_monthly", "dim_promotion",
    "fct_stock_adjustments", "fct_returns", "fct_lost_sales", "fct_inventory_lots",
)  # fmt: skip
"""What a recommendation reads besides forecasts: stock, orders, transfers, prices and terms."""
