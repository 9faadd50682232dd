select
    return_id,
    date_day,
    returned_at,
    location_id,
    product_id,
    customer_id,
    quantity as returned_units,
    cast(refund as decimal(18, 4)) as refund,
    reason as return_reason,
    is_simulated
from {{ ref('stg_landing__returns') }}
