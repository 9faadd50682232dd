-- The other half of the law: no movement may fall on a day without a stock row, where it would escape the sum.
-- What is cleared away after a product left the range has no stock row any more; a second test reports it.
select moved.location_id, moved.product_id, moved.movement_date
from {{ ref('stg_landing__inventory_movements') }} as moved
left join {{ ref('int_stocked_pairs') }} as pairs
    on pairs.location_id = moved.location_id
    and pairs.product_id = moved.product_id
where coalesce(moved.movement_date <= pairs.last_day, true)
    and not exists (
        select 1
        from {{ ref('fct_inventory_daily') }} as stock
        where stock.location_id = moved.location_id
            and stock.product_id = moved.product_id
            and stock.date_day = moved.movement_date
    )
