-- Series first, and then only their lines: most products at most locations sell too rarely to be tracked, and counting
-- the distinct baskets of each of their weeks is what this would cost.
with series as (
    select location_id, product_id, min(week) as first_week
    from (select distinct location_id, product_id, week from {{ ref('feat_demand_lines') }}) as active_weeks
    group by location_id, product_id
    having count(*) >= 7
),

weekly as (
    select
        lines.location_id,
        lines.product_id,
        lines.week,
        sum(lines.units) as units,
        count(distinct lines.basket_id) as baskets,
        count(distinct lines.customer_id) as customers,
        max(lines.units) as largest_line_units,
        sum(lines.net_sales) as net_sales,
        sum(lines.discounts) as discounts
    from {{ ref('feat_demand_lines') }} as lines
    inner join series on series.location_id = lines.location_id and series.product_id = lines.product_id
    group by lines.location_id, lines.product_id, lines.week
),

grid as (
    select series.*, products.department, products.category, weeks.week
    from series
    inner join {{ ref('dim_product') }} as products on products.product_id = series.product_id
    inner join {{ ref('feat_calendar_week') }} as weeks on weeks.week >= series.first_week and weeks.is_recorded
)

select
    grid.location_id,
    grid.product_id,
    grid.department,
    grid.category,
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
    and weekly.product_id = grid.product_id
    and weekly.week = grid.week
window series_weeks as (partition by grid.location_id, grid.product_id order by grid.week)
