-- The ledger never alters recorded sales: what it calls served equals the units sold of the same product-location-days.
with served as (
    select location_id, product_id, date_day, sales_units
    from {{ ref('fct_inventory_daily') }}
    where sales_units <> 0
),

sold as (
    select location_id, product_id, date_day, sum(units_sold) as units_sold
    from {{ ref('fct_sales_lines') }}
    where is_stock_kept
    group by location_id, product_id, date_day
)

select served.location_id, served.product_id, served.date_day, served.sales_units, sold.units_sold
from served
full outer join sold
    on sold.location_id = served.location_id
    and sold.product_id = served.product_id
    and sold.date_day = served.date_day
where coalesce(served.sales_units, 0) <> coalesce(sold.units_sold, 0)
