-- Margin of larger groups, so that a store × category can be told from its category, department or store. Lines are in
-- four decimals: rounding takes out what the order of summation leaves.
{% set pools = {'category': 'category', 'department': 'department', 'location': 'location_id'} %}
{% for pool, column in pools.items() %}
select
    '{{ pool }}' as pool,
    {{ column }} as member,
    week,
    round(sum(net_sales), 4) as net_sales,
    round(sum(gross_margin), 4) as gross_margin,
    round(sum(discounts), 4) as discounts
from {{ ref('feat_demand_lines') }}
group by {{ column }}, week
{% if not loop.last %}union all{% endif %}
{% endfor %}
