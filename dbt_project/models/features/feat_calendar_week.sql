-- Weeks of the demand models: recorded weeks with enough trading days, and the eight weeks that follow them.
{% set least = var('demand_least_trading_days') %}
with recorded as (
    select
        week,
        min(date_day) as first_day,
        max(date_day) as last_day,
        count(distinct date_day) as trading_days
    from {{ ref('fct_sales_lines') }}
    group by week
),

-- Most weeks have as many trading days as is usual; a week with a holiday has one fewer.
usual as (
    select trading_days from recorded group by trading_days order by count(*) desc, trading_days desc limit 1
),

counted as (
    select recorded.*
    from recorded
    {%- if least is none %}
    cross join usual
    where recorded.trading_days >= greatest(usual.trading_days - 1, 1)
    {%- else %}
    where recorded.trading_days >= {{ least }}
    {%- endif %}
),

last_recorded as (
    select max(week) as week, max(last_day) as last_day from counted
),

future as (
    select
        cast(last_recorded.week + steps.step as integer) as week,
        {{ add_days('last_recorded.last_day', '7 * steps.step - 6') }} as first_day,
        {{ add_days('last_recorded.last_day', '7 * steps.step') }} as last_day,
        0 as trading_days,
        false as is_recorded
    from last_recorded
    cross join (values (1), (2), (3), (4), (5), (6), (7), (8)) as steps (step)
),

weeks as (
    select cast(week as integer) as week, first_day, last_day, cast(trading_days as integer) as trading_days,
        true as is_recorded
    from counted
    union all
    select week, first_day, last_day, trading_days, is_recorded from future
),

easter as (
    select cast(holiday as date) as holiday
    from (
        values ('2015-04-05'), ('2016-03-27'), ('2017-04-16'), ('2018-04-01'), ('2019-04-21'), ('2020-04-12'),
            ('2021-04-04'), ('2022-04-17'), ('2023-04-09'), ('2024-03-31'), ('2025-04-20'), ('2026-04-05'),
            ('2027-03-28'), ('2028-04-16'), ('2029-04-01'), ('2030-04-21')
    ) as sundays (holiday)
),

days as (
    select weeks.week, dates.date_day, extract(month from dates.date_day) as month_number,
        extract(day from dates.date_day) as day_number, extract(isodow from dates.date_day) as weekday_number
    from weeks
    inner join ({{ day_series('(select min(first_day) from weeks)', '(select max(last_day) from weeks)') }}) as dates
        on dates.date_day between weeks.first_day and weeks.last_day
),

holidays as (
    select
        days.week,
        max({{ us_holiday("easter.holiday is not null") }}) as is_easter,
        max({{ us_holiday("month_number = 5 and weekday_number = 1 and day_number >= 25") }}) as is_memorial_day,
        max({{ us_holiday("month_number = 7 and day_number = 4") }}) as is_independence_day,
        max({{ us_holiday("month_number = 9 and weekday_number = 1 and day_number <= 7") }}) as is_labor_day,
        max(case
            {%- for event in var('own_events') %}
            when days.date_day = cast('{{ event }}' as date) then 1
            {%- endfor %}
            {%- if var('public_holidays') == 'US' %}
            when easter.holiday is not null then 1
            when month_number = 1 and day_number = 1 then 1
            when month_number = 2 and weekday_number = 1 and day_number between 15 and 21 then 1
            when month_number = 5 and weekday_number = 7 and day_number between 8 and 14 then 1
            when month_number = 5 and weekday_number = 1 and day_number >= 25 then 1
            when month_number = 7 and day_number = 4 then 1
            when month_number = 9 and weekday_number = 1 and day_number <= 7 then 1
            when month_number = 11 and weekday_number = 4 and day_number between 22 and 28 then 1
            when month_number = 12 and day_number in (24, 25) then 1
            {%- endif %}
            when false then 1
            else 0
        end) as is_holiday
    from days
    left join easter on easter.holiday = days.date_day
    group by days.week
)

select
    weeks.week,
    weeks.first_day,
    weeks.last_day,
    weeks.trading_days,
    weeks.is_recorded,
    cast(holidays.is_easter as integer) as is_easter,
    cast(holidays.is_memorial_day as integer) as is_memorial_day,
    cast(holidays.is_independence_day as integer) as is_independence_day,
    cast(holidays.is_labor_day as integer) as is_labor_day,
    cast(holidays.is_holiday as integer) as is_holiday,
    cast(coalesce(lead(holidays.is_holiday) over (order by weeks.week), 0) as integer) as is_before_holiday
from weeks
inner join holidays on holidays.week = weeks.week
