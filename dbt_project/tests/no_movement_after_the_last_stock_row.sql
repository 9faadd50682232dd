-- Warns: leftovers wasted or lost after the product's last stock row. They are small, but stock ended without reaching zero.
{{ config(severity='warn') }}

select moved.location_id, moved.product_id, moved.movement_date, moved.movement_type, moved.quantity_units
from {{ ref('stg_landing__inventory_movements') }} as moved
inner join {{ ref('int_stocked_pairs') }} as pairs
    on pairs.location_id = moved.location_id
    and pairs.product_id = moved.product_id
where moved.movement_date > pairs.last_day
