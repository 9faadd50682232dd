select
    location_id || '@' || cast(valid_from as varchar) as location_history_id,
    location_id,
    valid_from,
    valid_to,
    is_current,
    location_name as store,
    location_type,
    region,
    banner,
    serving_dc_id,
    is_simulated
from {{ ref('int_locations_ranged') }}
