select
    product_id || '@' || coalesce(location_id, '*') || '@' || cast(valid_from as varchar) as product_price_id,
    product_id,
    location_id,
    valid_from,
    valid_to,
    cast(list_price as decimal(18, 4)) as list_price,
    cast(landed_cost as decimal(18, 6)) as landed_cost
from {{ ref('int_prices_ranged') }}
