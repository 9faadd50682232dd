-- What sells too little to have a history of its own and still needs a forecast: categories of a store that opened
-- within the last quarter, and products in range that sold in fewer than seven weeks.
with last_recorded as (
    select max(week) as week, max(last_day) as last_day from {{ ref('feat_calendar_week') }} where is_recorded
),

young_stores as (
    select lines.location_id, min(lines.week) as first_week
    from {{ ref('feat_demand_lines') }} as lines
    group by lines.location_id
    having min(lines.week) > (select week - 13 from last_recorded)
),

tracked_categories as (
    select distinct location_id, category from {{ ref('feat_demand_category_week') }}
),

-- A category that several departments list stands below one of them, the same in all stores.
departments as (
    select category, min(department) as department from {{ ref('feat_demand_category_week') }} group by category
),

tracked_products as (
    select distinct location_id, product_id from {{ ref('feat_demand_product_week') }}
),

young_categories as (
    select
        lines.location_id,
        lines.category as item,
        coalesce(min(departments.department), min(lines.department)) as department,
        lines.category,
        min(young_stores.first_week) as first_week,
        sum(lines.units) as units
    from {{ ref('feat_demand_lines') }} as lines
    inner join young_stores on young_stores.location_id = lines.location_id
    left join tracked_categories
        on tracked_categories.location_id = lines.location_id and tracked_categories.category = lines.category
    left join departments on departments.category = lines.category
    where tracked_categories.category is null
    group by lines.location_id, lines.category
),

ranged as (
    select
        stock.location_id,
        stock.product_id,
        max(case when stock.date_day = last_recorded.last_day then 1 else 0 end) as is_ranged_now,
        min(stock.date_day) as first_day
    from {{ ref('fct_inventory_daily') }} as stock
    cross join last_recorded
    where stock.is_ranged and stock.date_day <= last_recorded.last_day
    group by stock.location_id, stock.product_id
),

young_products as (
    select
        ranged.location_id,
        ranged.product_id,
        products.department,
        products.category,
        min(weeks.week) as first_week
    from ranged
    inner join {{ ref('dim_product') }} as products on products.product_id = ranged.product_id
    inner join {{ ref('feat_location') }} as stores on stores.location_id = ranged.location_id
    inner join {{ ref('feat_calendar_week') }} as weeks on weeks.is_recorded and weeks.last_day >= ranged.first_day
    left join tracked_products
        on tracked_products.location_id = ranged.location_id and tracked_products.product_id = ranged.product_id
    where ranged.is_ranged_now = 1 and tracked_products.product_id is null
    group by ranged.location_id, ranged.product_id, products.department, products.category
),

sold as (
    select location_id, product_id, sum(units) as units
    from {{ ref('feat_demand_lines') }}
    group by location_id, product_id
),

pairs as (
    select 'category' as tier, location_id, item, department, category, first_week, units from young_categories
    union all
    select
        'product' as tier,
        young_products.location_id,
        young_products.product_id as item,
        young_products.department,
        young_products.category,
        young_products.first_week,
        coalesce(sold.units, 0) as units
    from young_products
    left join sold
        on sold.location_id = young_products.location_id and sold.product_id = young_products.product_id
)

select
    pairs.tier,
    pairs.location_id,
    pairs.item,
    pairs.department,
    pairs.category,
    cast(last_recorded.week - pairs.first_week + 1 as integer) as weeks_known,
    cast(pairs.units as double) as units
from pairs
cross join last_recorded
