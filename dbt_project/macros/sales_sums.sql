{#- Every additive measure of `fct_sales_lines`, summed: what each of its rollups holds, whatever it is grouped by. -#}
{% macro sales_sums() %}
    sum(facts.gross_sales_usd) as gross_sales_usd,
    sum(facts.discounts_usd) as discounts_usd,
    sum(facts.net_sales_usd) as net_sales_usd,
    sum(facts.manufacturer_coupons_usd) as manufacturer_coupons_usd,
    sum(facts.cogs_usd) as cogs_usd,
    sum(facts.gross_margin_usd) as gross_margin_usd,
    sum(facts.units_sold) as units_sold,
    sum(case when facts.is_promoted then facts.net_sales_usd else 0 end) as promoted_net_sales_usd,
    sum(case when facts.is_stock_kept then facts.net_sales_usd else 0 end) as stocked_net_sales_usd,
    sum(case when facts.is_stock_kept then facts.cogs_usd else 0 end) as stocked_cogs_usd,
    sum(case when facts.is_stock_kept then facts.gross_margin_usd else 0 end) as stocked_gross_margin_usd,
    sum(case when facts.is_stock_kept then facts.units_sold else 0 end) as stocked_units_sold
{%- endmacro %}
