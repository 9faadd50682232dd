select
    return_id,
    date_day,
    returned_at,
    location_id,
    product_id,
    customer_id,
    returned_units,
    refund,
    is_simulated,
    return_reason as reason
from {{ ref('fct_returns', v=2) }}
