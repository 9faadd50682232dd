-- The other half of the law: no movement may fall on a day without a stock row, where it would escape the sum.
select moved.location_id, moved.product_id, moved.movement_date
from {{ ref('stg_landing__inventory_movements') }} as moved
where not exists (
    select 1
    from {{ ref('fct_inventory_daily') }} as stock
    where stock.location_id = moved.location_id
        and stock.product_id = moved.product_id
        and stock.date_day = moved.movement_date
)
