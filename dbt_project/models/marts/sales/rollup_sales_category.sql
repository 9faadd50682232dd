select
    facts.date_day,
    products.department,
    products.category,
    {{ sales_sums() }}
from {{ ref('fct_sales_lines') }} as facts
left join {{ ref('dim_product') }} as products on products.product_id = facts.product_id
group by facts.date_day, products.department, products.category
