select
    location_id,
    location_name as store,
    location_type,
    region,
    banner,
    serving_dc_id,
    opened_on,
    closed_on,
    is_simulated
from {{ ref('stg_landing__locations') }}
