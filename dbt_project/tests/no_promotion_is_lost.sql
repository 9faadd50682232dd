-- Merging duplicate keys may shrink the calendar, never lose a display or a mailer of a key.
select count(*) as missing_keys
from {{ ref('fct_promotions_weekly') }} as kept
where kept.promotion_id is null
    or (kept.promotion_id = '0/0') <> not (kept.is_display or kept.is_mailer)
having count(*) > 0
