select
    movement_id,
    movement_date as date_day,
    location_id,
    product_id,
    movement_type as adjustment_type,
    -quantity_units as lost_units,
    cast(-quantity_units * unit_cost as decimal(18, 4)) as lost_value,
    is_simulated
from {{ ref('stg_landing__inventory_movements') }}
where movement_type in ('shrink', 'waste')
