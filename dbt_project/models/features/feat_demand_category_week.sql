with weekly as (
    select
        location_id,
        category,
        week,
        sum(units) as units,
        count(distinct basket_id) as baskets,
        count(distinct customer_id) as customers,
        max(units) as largest_line_units,
        sum(net_sales) as net_sales,
        sum(discounts) as discounts
    from {{ ref('feat_demand_lines') }}
    group by location_id, category, week
),

series as (
    select
        location_id,
        category,
        min(week) as first_week
    from weekly
    group by location_id, category
    having count(*) >= 7
),

-- A category that several departments list belongs to the one that lists most of it: a fact of the catalogue, not of
-- what has been sold so far.
listed as (
    select category, department, count(*) as products
    from {{ ref('dim_product') }}
    group by category, department
),

ranked as (
    select
        category,
        department,
        row_number() over (partition by category order by products desc, department) as department_rank
    from listed
),

grid as (
    select series.*, ranked.department, weeks.week
    from series
    inner join ranked on ranked.category = series.category and ranked.department_rank = 1
    inner join {{ ref('feat_calendar_week') }} as weeks on weeks.week >= series.first_week and weeks.is_recorded
)

select
    grid.location_id,
    grid.category,
    grid.department,
    grid.week,
    coalesce(weekly.units, 0) as units,
    cast(coalesce(weekly.baskets, 0) as integer) as baskets,
    cast(coalesce(weekly.customers, 0) as integer) as customers,
    coalesce(weekly.largest_line_units, 0) as largest_line_units,
    coalesce(weekly.net_sales, 0) as net_sales,
    coalesce(weekly.discounts, 0) as discounts,
    avg(coalesce(weekly.units, 0)) over (series_weeks rows between 3 preceding and current row) as units_ma_4,
    avg(coalesce(weekly.units, 0)) over (series_weeks rows between 12 preceding and current row) as units_ma_13
from grid
left join weekly
    on weekly.location_id = grid.location_id
    and weekly.category = grid.category
    and weekly.week = grid.week
window series_weeks as (partition by grid.location_id, grid.category order by grid.week)
