-- Demand lines: merchandise of promoting stores, in recorded weeks, without quantities that are weights or errors.
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
    products.department not in ('FUEL', 'MISCELLANEOUS', 'UNKNOWN')
    and products.category not in ('COUPON/MISC ITEMS', 'UNKNOWN')
    and lines.quantity between 1 and 60
    and lines.location_id in (select location_id from {{ ref('fct_promotions_weekly') }})
