-- A year more on either side than the sales, so that offsets and dates due later find their day.
with data_window as (
    select
        cast(date_trunc('year', min(date_day)) - interval 1 year as date) as first_day,
        cast(date_trunc('year', max(date_day)) + interval 2 year - interval 1 day as date) as last_day
    from {{ ref('stg_landing__sales_lines') }}
)

{{ day_series('(select first_day from data_window)', '(select last_day from data_window)') }}
