-- Kept apart from the daily stock: unmet demand is rare, and only here does it need a price.
select
    stock.date_day,
    stock.location_id,
    stock.product_id,
    stock.lost_sales_units,
    cast(
        stock.lost_sales_units * coalesce(here.list_price, everywhere.list_price, products.list_price, 0)
        as decimal(18, 4)
    ) as lost_sales_value,
    stock.is_simulated
from {{ ref('fct_inventory_daily') }} as stock
inner join {{ ref('dim_product') }} as products on products.product_id = stock.product_id
left join {{ ref('dim_product_price') }} as here
    on here.product_id = stock.product_id
    and here.location_id = stock.location_id
    and stock.date_day >= here.valid_from
    and stock.date_day < here.valid_to
left join {{ ref('dim_product_price') }} as everywhere
    on everywhere.product_id = stock.product_id
    and everywhere.location_id is null
    and stock.date_day >= everywhere.valid_from
    and stock.date_day < everywhere.valid_to
where stock.lost_sales_units > 0
