with ranged as (
    select
        stg.*,
        coalesce(
            lead(counted_on) over (partition by lot_id, location_id, product_id order by counted_on),
            cast('9999-12-31' as date)
        ) as valid_to,
        coalesce(
            lag(on_hand_units) over (partition by lot_id, location_id, product_id order by counted_on), 0
        ) as units_before
    from {{ ref('stg_landing__inventory_lots') }} as stg
)

select
    lot_id,
    location_id,
    product_id,
    received_on,
    expires_on,
    counted_on as valid_from,
    valid_to,
    on_hand_units,
    cast(on_hand_units - units_before as integer) as change_units,
    is_simulated
from ranged
