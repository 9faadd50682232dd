select
    locations.location_id,
    locations.region,
    locations.location_type,
    locations.opened_on
from {{ ref('dim_location') }} as locations
where locations.location_id in (select location_id from {{ ref('feat_demand_lines') }})
