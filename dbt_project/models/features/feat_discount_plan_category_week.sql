-- What the promotion calendar alone says of the coming discount: realised discounts of the planned week are not read.
select
    plans.location_id,
    products.category,
    cast(plans.week as integer) as week,
    sum(case when plans.is_mailer then products.sales_share * (products.depth_mailer - products.depth_none) else 0 end)
        as mailer_depth,
    sum(case when plans.is_mailer then 0 else products.sales_share * (products.depth_display - products.depth_none) end)
        as display_depth,
    sum(case when plans.is_mailer then products.sales_share else 0 end) as mailer_sales_share,
    sum(case when plans.is_mailer then 0 else products.sales_share end) as display_sales_share
from {{ ref('fct_promotions_weekly') }} as plans
inner join {{ ref('feat_discount_product_week') }} as products
    on products.product_id = plans.product_id
    and products.week = plans.week
where plans.is_display or plans.is_mailer
group by plans.location_id, products.category, plans.week
