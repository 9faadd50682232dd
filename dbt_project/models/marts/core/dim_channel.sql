-- The values a sales contract allows, and any other that was sold through, so that no sale loses its channel.
with sold as (
    select distinct channel from {{ ref('stg_landing__sales_lines') }}
)

select
    channel,
    channel = 'store' as is_physical
from sold
