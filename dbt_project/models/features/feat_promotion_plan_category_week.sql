-- A product weighs what the chain sold of it up to eight weeks before the planned week, so that the plan's shares are
-- known at every origin of a horizon of eight weeks.
with sold as (
    select product_id, category, week, sum(units) as units
    from {{ ref('feat_demand_lines') }}
    group by product_id, category, week
),

product_weights as (
    select sold.product_id, sold.category, weeks.week, sum(sold.units) as weight
    from sold
    inner join {{ ref('feat_calendar_week') }} as weeks on sold.week <= weeks.week - 8
    group by sold.product_id, sold.category, weeks.week
),

category_weights as (
    select category, week, sum(weight) as weight from product_weights group by category, week
),

listed as (
    select distinct product_id, category from sold
),

tracked as (
    select distinct location_id, category from {{ ref('feat_demand_category_week') }}
),

planned as (
    select
        plans.location_id,
        listed.category,
        cast(plans.week as integer) as week,
        plans.is_display,
        plans.is_mailer,
        split_part(plans.promotion_id, '/', 2) as mailer_page,
        coalesce(product_weights.weight, 0) as weight
    from {{ ref('fct_promotions_weekly') }} as plans
    inner join listed on listed.product_id = plans.product_id
    left join product_weights
        on product_weights.product_id = plans.product_id
        and product_weights.week = plans.week
)

select
    planned.location_id,
    planned.category,
    planned.week,
    cast(count(*) as integer) as planned_products,
    cast(sum(case when is_display then 1 else 0 end) as integer) as displayed_products,
    cast(sum(case when is_mailer then 1 else 0 end) as integer) as mailed_products,
    coalesce(sum(case when is_display then planned.weight else 0 end) / max(category_weights.weight), 0) as display_share,
    coalesce(sum(case when is_mailer then planned.weight else 0 end) / max(category_weights.weight), 0) as mailer_share,
    coalesce(
        sum(case when is_display and is_mailer then planned.weight else 0 end) / max(category_weights.weight), 0
    ) as display_and_mailer_share,
    coalesce(sum(case when mailer_page = 'A' then planned.weight else 0 end) / max(category_weights.weight), 0)
        as interior_page_share,
    coalesce(sum(case when mailer_page = 'D' then planned.weight else 0 end) / max(category_weights.weight), 0)
        as front_page_share
from planned
inner join tracked on tracked.location_id = planned.location_id and tracked.category = planned.category
left join category_weights on category_weights.category = planned.category and category_weights.week = planned.week
group by planned.location_id, planned.category, planned.week
