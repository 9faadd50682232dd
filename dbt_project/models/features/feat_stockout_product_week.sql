-- Only weeks with an empty shelf: everywhere else the sales say all there is to say.
with days as (
    select
        stock.location_id,
        stock.product_id,
        weeks.week,
        case
            when not stock.is_stockout then 0.0
            -- It opened with stock and closed without: empty for half of the day, on average.
            when stock.opening_units > 0 then 0.5
            else 1.0
        end as empty_day,
        stock.is_simulated
    from {{ ref('fct_inventory_daily') }} as stock
    inner join {{ ref('feat_calendar_week') }} as weeks
        on weeks.is_recorded and stock.date_day between weeks.first_day and weeks.last_day
    where stock.is_ranged
)

select
    location_id,
    product_id,
    week,
    cast(sum(empty_day) as double) as empty_days,
    cast(count(*) as integer) as ranged_days,
    bool_or(is_simulated) as is_simulated
from days
group by location_id, product_id, week
having sum(empty_day) > 0
