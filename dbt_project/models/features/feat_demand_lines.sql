-- Demand lines: sales in recorded weeks, without what the retailer says is no demand (departments, odd quantities).
select
    lines.location_id,
    products.department,
    products.category,
    lines.product_id,
    lines.customer_id,
    lines.basket_id,
    cast(lines.week as integer) as week,
    cast(lines.quantity as double) as units,
    cast(lines.net_sales as double) as net_sales,
    cast(lines.discounts as double) as discounts,
    cast(lines.gross_margin as double) as gross_margin,
    case
        when split_part(lines.promotion_id, '/', 2) <> '0' then 'mailer'
        when lines.promotion_id <> '0/0' then 'display'
        else 'none'
    end as promotion_state,
    lines.is_simulated_cost
from {{ ref('fct_sales_lines') }} as lines
inner join {{ ref('dim_product') }} as products on products.product_id = lines.product_id
inner join {{ ref('feat_calendar_week') }} as weeks on weeks.week = lines.week and weeks.is_recorded
where
    {{ not_among('products.department', var('demand_excluded_departments')) }}
    and {{ not_among('products.category', var('demand_excluded_categories')) }}
    {%- if var('demand_least_quantity') is none %}
    and lines.quantity > 0
    {%- else %}
    and lines.quantity >= {{ var('demand_least_quantity') }}
    {%- endif %}
    {%- if var('demand_greatest_quantity') is not none %}
    and lines.quantity <= {{ var('demand_greatest_quantity') }}
    {%- endif %}
    {%- if var('demand_promoting_locations_only') %}
    and lines.location_id in (select location_id from {{ ref('fct_promotions_weekly') }})
    {%- endif %}
