with listed as (
    select
        product_id,
        coalesce(department, 'UNKNOWN') as department,
        coalesce(category, 'UNKNOWN') as category,
        coalesce(product_type, 'UNKNOWN') as product_type,
        coalesce(brand, 'UNKNOWN') as brand,
        manufacturer_id,
        package_size,
        case_pack_units,
        shelf_life_days,
        supplier_id,
        landed_cost,
        list_price,
        false as is_inferred,
        false as is_category
    from {{ ref('stg_landing__products') }}
),

-- Sold but never listed: the sale must not vanish from totals by product, so the product is inferred from it.
inferred as (
    select
        sales.product_id,
        'UNKNOWN' as department,
        'UNKNOWN' as category,
        'UNKNOWN' as product_type,
        'UNKNOWN' as brand,
        cast(null as varchar) as manufacturer_id,
        cast(null as varchar) as package_size,
        cast(null as integer) as case_pack_units,
        cast(null as integer) as shelf_life_days,
        cast(null as varchar) as supplier_id,
        cast(null as decimal(18, 6)) as landed_cost,
        cast(null as decimal(18, 4)) as list_price,
        true as is_inferred,
        false as is_category
    from (select distinct product_id from {{ ref('stg_landing__sales_lines') }}) as sales
    where not exists (select 1 from listed where listed.product_id = sales.product_id)
),

listed_categories as (
    select department, category, count(*) as products from listed group by department, category
),

ranked_categories as (
    select
        department,
        category,
        row_number() over (partition by category order by products desc, department) as department_rank
    from listed_categories
),

-- What is known of a whole category (a forecast, a risk) joins this row, under the department that lists most of it.
categories as (
    select
        {{ category_key('category') }} as product_id,
        department,
        category,
        cast(null as varchar) as product_type,
        '(whole category)' as brand,
        cast(null as varchar) as manufacturer_id,
        cast(null as varchar) as package_size,
        cast(null as integer) as case_pack_units,
        cast(null as integer) as shelf_life_days,
        cast(null as varchar) as supplier_id,
        cast(null as decimal(18, 6)) as landed_cost,
        cast(null as decimal(18, 4)) as list_price,
        false as is_inferred,
        true as is_category
    from ranked_categories
    where department_rank = 1
),

products as (
    select * from listed
    union all
    select * from inferred
    union all
    select * from categories
)

select
    product_id,
    department,
    category,
    product_type,
    brand,
    manufacturer_id,
    package_size,
    case_pack_units,
    shelf_life_days,
    supplier_id,
    cast(landed_cost as decimal(18, 6)) as landed_cost,
    cast(list_price as decimal(18, 4)) as list_price,
    {{ is_merchandise('department', 'category') }} as is_merchandise,
    is_inferred,
    is_category
from products
