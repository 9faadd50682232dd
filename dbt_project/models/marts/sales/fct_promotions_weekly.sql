-- The source repeats 12,785 keys with another display or mailer: both happened, so the row keeps the greater of each.
-- Grouping 20.9 M rows by three texts is what a build would spend most time on, so only keys whose hash occurs twice
-- are grouped; an accidental equal hash merely sends a lone row through the exact path.
{% set key_hash = row_hash(['product_id', 'location_id', 'week']) %}

with suspects as (
    select {{ key_hash }} as key_hash
    from {{ ref('stg_landing__promotions') }}
    group by 1
    having count(*) > 1
),

merged as (
    select
        product_id,
        location_id,
        week,
        max(display_location) as display_location,
        max(mailer_location) as mailer_location
    from {{ ref('stg_landing__promotions') }}
    where {{ key_hash }} in (select suspects.key_hash from suspects)
    group by product_id, location_id, week
),

promotions as (
    select product_id, location_id, week, display_location, mailer_location
    from {{ ref('stg_landing__promotions') }}
    where {{ key_hash }} not in (select suspects.key_hash from suspects)
    union all
    select * from merged
)

select
    product_id,
    location_id,
    week,
    display_location || '/' || mailer_location as promotion_id,
    display_location <> '0' as is_display,
    mailer_location <> '0' as is_mailer
from promotions
