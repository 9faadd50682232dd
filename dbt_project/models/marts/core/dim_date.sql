with data_window as (
    select min(date_day) as first_day, max(date_day) as last_day from {{ ref('stg_landing__sales_lines') }}
),

days as (
    {{ day_series(
        '(select first_day from data_window)', '(select last_day from data_window)'
    ) }}
),

weeks as (
    select
        week as fiscal_week,
        min(date_day) as first_sale_day,
        count(distinct date_day) as trading_days
    from {{ ref('stg_landing__sales_lines') }}
    group by week
),

trading as (
    select distinct date_day from {{ ref('stg_landing__sales_lines') }}
),

-- A day without a sale belongs to the fiscal week that its neighbours say: weeks start on Monday, the first may be cut.
weeks_ranged as (
    select
        fiscal_week,
        trading_days,
        -- The retailer's own usual: six where the shops close on Sundays.
        max(trading_days) over () as usual_trading_days,
        cast(date_trunc('week', first_sale_day) as date) as week_starts_on
    from weeks
)

select
    days.date_day,
    weeks_ranged.fiscal_week,
    weeks_ranged.week_starts_on as fiscal_week_starts_on,
    weeks_ranged.trading_days as fiscal_week_trading_days,
    coalesce(weeks_ranged.trading_days = weeks_ranged.usual_trading_days, false) as is_full_fiscal_week,
    trading.date_day is not null as is_trading_day,
    cast(date_trunc('month', days.date_day) as date) as month_starts_on,
    cast(date_trunc('quarter', days.date_day) as date) as quarter_starts_on,
    cast(date_trunc('year', days.date_day) as date) as year_starts_on,
    cast(extract(dow from days.date_day) as integer) as day_of_week
from days
left join weeks_ranged on weeks_ranged.week_starts_on = cast(date_trunc('week', days.date_day) as date)
left join trading on trading.date_day = days.date_day
