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
from {{ ref('int_locations_ranged') }}
where is_current
