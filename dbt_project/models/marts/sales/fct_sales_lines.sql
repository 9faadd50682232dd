with priced as (
    select
        lines.*,
        products.is_merchandise,
        -- The narrowest cost in force on the trading day: this location's, the product's everywhere, its listed cost.
        coalesce(here.landed_cost, everywhere.landed_cost, products.landed_cost) as landed_cost
    from {{ ref('stg_landing__sales_lines') }} as lines
    inner join {{ ref('dim_product') }} as products on products.product_id = lines.product_id
    left join {{ ref('dim_product_price') }} as here
        on here.product_id = lines.product_id
        and here.location_id = lines.location_id
        and lines.date_day >= here.valid_from
        and lines.date_day < here.valid_to
    left join {{ ref('dim_product_price') }} as everywhere
        on everywhere.product_id = lines.product_id
        and everywhere.location_id is null
        and lines.date_day >= everywhere.valid_from
        and lines.date_day < everywhere.valid_to
),

costed as (
    select
        priced.*,
        cast(
            case
                when is_merchandise and landed_cost is not null then quantity * landed_cost
                -- Fuel and coupons are recorded in odd units, and an unlisted product has no cost: a share of its value.
                else {{ cost_of_value('sales_value') }}
            end as decimal(18, 4)
        ) as cogs
    from priced
)

select
    costed.sales_line_id,
    costed.basket_id,
    costed.customer_id,
    costed.location_id,
    costed.product_id,
    costed.channel,
    coalesce(promotions.promotion_id, '0/0') as promotion_id,
    costed.date_day,
    costed.week,
    costed.sold_at,
    costed.quantity,
    case when costed.is_merchandise then costed.quantity else 0 end as units_sold,
    cast(
        costed.sales_value + costed.retail_discount + costed.coupon_match_discount as decimal(18, 4)
    ) as gross_sales,
    cast(costed.retail_discount + costed.coupon_match_discount as decimal(18, 4)) as discounts,
    cast(costed.coupon_discount as decimal(18, 4)) as manufacturer_coupons,
    cast(costed.sales_value as decimal(18, 4)) as net_sales,
    costed.cogs,
    cast(costed.sales_value - costed.cogs as decimal(18, 4)) as gross_margin,
    promotions.promotion_id is not null as is_promoted,
    stocked.product_id is not null as is_stock_kept,
    costed.is_quantity_zero,
    not (costed.is_merchandise and costed.landed_cost is not null) as is_cost_estimated,
    {{ var('simulated_ledger') | lower }} as is_simulated_cost
from costed
left join {{ ref('fct_promotions_weekly') }} as promotions
    on promotions.product_id = costed.product_id
    and promotions.location_id = costed.location_id
    and promotions.week = costed.week
    and (promotions.is_display or promotions.is_mailer)
left join {{ ref('int_stocked_pairs') }} as stocked
    on stocked.product_id = costed.product_id
    and stocked.location_id = costed.location_id
    and costed.date_day between stocked.first_day and stocked.last_day
