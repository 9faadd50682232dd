{#- Every additive measure of `fct_sales_lines`, summed: what each of its rollups holds, whatever it is grouped by. -#}
{% macro sales_sums() %}
    sum(facts.gross_sales) as gross_sales,
    sum(facts.discounts) as discounts,
    sum(facts.net_sales) as net_sales,
    sum(facts.manufacturer_coupons) as manufacturer_coupons,
    sum(facts.cogs) as cogs,
    sum(facts.gross_margin) as gross_margin,
    sum(facts.units_sold) as units_sold,
    sum(case when facts.is_promoted then facts.net_sales else 0 end) as promoted_net_sales,
    sum(case when facts.is_stock_kept then facts.net_sales else 0 end) as stocked_net_sales,
    sum(case when facts.is_stock_kept then facts.cogs else 0 end) as stocked_cogs,
    sum(case when facts.is_stock_kept then facts.gross_margin else 0 end) as stocked_gross_margin,
    sum(case when facts.is_stock_kept then facts.units_sold else 0 end) as stocked_units_sold
{%- endmacro %}
