-- Discount depth of a product by how the calendar carried it, from sales that ended four weeks before the week: known
-- at every origin of a horizon of four weeks. A product with little history takes after its category.
{% set states = ['mailer', 'display', 'none'] %}
{% set prior_sales = 20 %}
with sold as (
    select
        product_id,
        category,
        week,
        sum(net_sales) as net,
        {% for state in states %}
        sum(case when promotion_state = '{{ state }}' then net_sales else 0 end) as net_{{ state }},
        sum(case when promotion_state = '{{ state }}' then net_sales + discounts else 0 end) as shelf_{{ state }}
        {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('feat_demand_lines') }}
    group by product_id, category, week
),

grid as (
    select first_sold.product_id, first_sold.category, weeks.week
    from (select product_id, category, min(week) as first_week from sold group by product_id, category) as first_sold
    inner join {{ ref('feat_calendar_week') }} as weeks on weeks.week >= first_sold.first_week
),

known as (
    select
        grid.product_id,
        grid.category,
        grid.week,
        {% for state in states %}
        coalesce(sum(sold.net_{{ state }}) over up_to_origin, 0) as net_{{ state }},
        coalesce(sum(sold.shelf_{{ state }}) over up_to_origin, 0) as shelf_{{ state }},
        {% endfor %}
        coalesce(sum(sold.net) over up_to_origin, 0) as net
    from grid
    left join sold
        on sold.product_id = grid.product_id
        and sold.category = grid.category
        and sold.week = grid.week
    window up_to_origin as (
        partition by grid.product_id, grid.category order by grid.week
        rows between unbounded preceding and 4 preceding
    )
),

by_category as (
    select
        category,
        week,
        {% for state in states %}
        coalesce(1 - sum(net_{{ state }}) / nullif(sum(shelf_{{ state }}), 0), 0) as depth_{{ state }},
        {% endfor %}
        sum(net) as net
    from known
    group by category, week
)

select
    known.product_id,
    known.category,
    known.week,
    case when by_category.net > 0 then known.net / by_category.net else 0 end as sales_share,
    {% for state in states %}
    (known.shelf_{{ state }} - known.net_{{ state }} + {{ prior_sales }} * by_category.depth_{{ state }})
        / (known.shelf_{{ state }} + {{ prior_sales }}) as depth_{{ state }}{% if not loop.last %},{% endif %}

    {% endfor %}
from known
inner join by_category on by_category.category = known.category and by_category.week = known.week
