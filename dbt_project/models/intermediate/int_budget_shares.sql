-- Budgets are set by department and region; each stocked product-location carries the share it has in what was ordered.
with ordered as (
    select
        products.department,
        locations.region,
        lines.product_id,
        lines.location_id,
        cast(sum(lines.ordered_value) as double) as ordered_value
    from {{ ref('fct_purchase_order_lines') }} as lines
    inner join {{ ref('dim_product') }} as products on products.product_id = lines.product_id
    inner join {{ ref('dim_location') }} as locations on locations.location_id = lines.location_id
    group by products.department, locations.region, lines.product_id, lines.location_id
)

select
    department,
    region,
    product_id,
    location_id,
    ordered_value / sum(ordered_value) over (partition by department, region) as budget_share
from ordered
where ordered_value > 0
