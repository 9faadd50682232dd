select
    lines.location_id,
    lines.category,
    lines.week,
    sum(lines.units) as units,
    round(sum(lines.net_sales), 4) as net_sales,
    round(sum(lines.gross_margin), 4) as gross_margin,
    round(sum(lines.discounts), 4) as discounts,
    max(case when lines.is_simulated_cost then 1 else 0 end) = 1 as is_simulated
from {{ ref('feat_demand_lines') }} as lines
inner join (select distinct location_id, category from {{ ref('feat_demand_category_week') }}) as tracked
    on tracked.location_id = lines.location_id
    and tracked.category = lines.category
group by lines.location_id, lines.category, lines.week
