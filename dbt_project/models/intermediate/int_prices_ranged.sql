-- Price changes as validity ranges [valid_from, valid_to): one range is in force per product, location and day.
select
    product_id,
    location_id,
    effective_date as valid_from,
    coalesce(
        lead(effective_date) over (partition by product_id, location_id order by effective_date),
        cast('9999-12-31' as date)
    ) as valid_to,
    list_price,
    landed_cost
from {{ ref('stg_landing__price_changes') }}
