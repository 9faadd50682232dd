with tracked as (
    select distinct location_id, product_id from {{ ref('feat_demand_product_week') }}
)

select
    plans.location_id,
    plans.product_id,
    cast(plans.week as integer) as week,
    case when plans.is_display then 1 else 0 end as is_display,
    case when plans.is_mailer then 1 else 0 end as is_mailer,
    case when split_part(plans.promotion_id, '/', 2) = 'A' then 1 else 0 end as is_interior_page,
    case when split_part(plans.promotion_id, '/', 2) = 'D' then 1 else 0 end as is_front_page,
    case when split_part(plans.promotion_id, '/', 2) = 'H' then 1 else 0 end as is_wrap_front,
    case when split_part(plans.promotion_id, '/', 1) in ('1', '3', '5', '6', '7', '9') then 1 else 0 end
        as is_prominent_display
from {{ ref('fct_promotions_weekly') }} as plans
inner join tracked on tracked.location_id = plans.location_id and tracked.product_id = plans.product_id
where plans.is_display or plans.is_mailer
