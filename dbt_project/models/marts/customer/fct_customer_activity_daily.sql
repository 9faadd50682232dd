with baskets as (
    select customer_id, date_day, count(distinct basket_id) as baskets
    from {{ ref('fct_sales_lines') }}
    where customer_id is not null
    group by customer_id, date_day
),

-- A basket counts on its day and on the 27 after it: two events a basket, a running sum between them.
events as (
    select customer_id, date_day, baskets as change from baskets
    union all
    select customer_id, {{ add_days('date_day', '28') }}, -baskets from baskets
),

levels as (
    select
        customer_id,
        date_day as holds_from,
        lead(date_day) over (partition by customer_id order by date_day) as holds_until,
        sum(change) over (partition by customer_id order by date_day) as baskets_28d
    from (select customer_id, date_day, sum(change) as change from events group by customer_id, date_day) as daily
)

select
    calendar.date_day,
    levels.customer_id,
    cast(levels.baskets_28d as integer) as baskets_28d,
    levels.baskets_28d >= 2 as is_repeat_28d
from levels
inner join {{ ref('dim_date') }} as calendar
    on calendar.date_day >= levels.holds_from
    and calendar.date_day < levels.holds_until
where levels.baskets_28d > 0
