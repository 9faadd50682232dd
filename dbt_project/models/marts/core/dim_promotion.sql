-- A junk dimension: every way a product was displayed and mailed. '0/0' stands for no promotion.
with ways as (
    select distinct display_location, mailer_location from {{ ref('stg_landing__promotions') }}
    union
    select '0', '0'
),

-- Duplicate rows are merged per key, which can combine a display and a mailer that never stood in one source row.
displays as (select distinct display_location from ways),

mailers as (select distinct mailer_location from ways)

select
    displays.display_location || '/' || mailers.mailer_location as promotion_id,
    {{ promo_type('displays.display_location', 'mailers.mailer_location') }} as promo_type,
    displays.display_location,
    mailers.mailer_location
from displays
cross join mailers
