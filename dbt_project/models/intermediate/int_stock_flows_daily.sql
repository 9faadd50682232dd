-- Movements folded to the days they fall on, with the day on which what came in turns old.
with movements as (
    select
        moved.location_id,
        moved.product_id,
        moved.movement_date,
        moved.quantity_units,
        moved.movement_type,
        moved.movement_type in ('opening', 'receipt', 'return', 'transfer_in') as is_inbound,
        {{ add_days(
            'moved.movement_date',
            'ceil(coalesce(products.shelf_life_days, 36500) * ' ~ var('aged_shelf_life_share') ~ ')'
        ) }} as turns_old_on
    from {{ ref('stg_landing__inventory_movements') }} as moved
    left join {{ ref('dim_product') }} as products on products.product_id = moved.product_id
),

-- A unit that came in adds to the young stock on its day and leaves it when it turns old, whether sold or not:
-- the running sum of `young_change_units` is what came in within the share of shelf life.
events as (
    select
        location_id,
        product_id,
        movement_date as date_day,
        quantity_units as net_movement_units,
        case when movement_type = 'sale' then -quantity_units else 0 end as sold_units,
        case when is_inbound then quantity_units else 0 end as young_change_units
    from movements
    union all
    select location_id, product_id, turns_old_on, 0, 0, -quantity_units
    from movements
    where is_inbound
)

select
    location_id,
    product_id,
    date_day,
    cast(sum(net_movement_units) as integer) as net_movement_units,
    cast(sum(sold_units) as integer) as sold_units,
    cast(sum(young_change_units) as integer) as young_change_units
from events
group by location_id, product_id, date_day
