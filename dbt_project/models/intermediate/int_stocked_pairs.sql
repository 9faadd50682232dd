select
    location_id,
    product_id,
    min(snapshot_date) as first_day,
    max(snapshot_date) as last_day
from {{ ref('stg_landing__inventory_snapshots') }}
group by location_id, product_id
