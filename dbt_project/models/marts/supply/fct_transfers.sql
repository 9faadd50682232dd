select
    transfer_id,
    from_location_id,
    to_location_id as location_id,
    product_id,
    shipped_on,
    received_on,
    quantity_units as transferred_units,
    cast(transfer_cost as decimal(18, 4)) as transfer_cost,
    is_simulated
from {{ ref('stg_landing__transfers') }}
