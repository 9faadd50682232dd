-- The source repeats 12,785 keys with another display or mailer: both happened, so the row keeps the greater of each.
select
    product_id,
    location_id,
    week,
    max(display_location) || '/' || max(mailer_location) as promotion_id,
    max(display_location) <> '0' as is_display,
    max(mailer_location) <> '0' as is_mailer
from {{ ref('stg_landing__promotions') }}
group by product_id, location_id, week
