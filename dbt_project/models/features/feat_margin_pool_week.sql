-- Margin of larger groups, so that a store × category can be told from its category, department or store.
{% set pools = {'category': 'category', 'department': 'department', 'location': 'location_id'} %}
{% for pool, column in pools.items() %}
select
    '{{ pool }}' as pool,
    {{ column }} as member,
    week,
    sum(net_sales_usd) as net_sales_usd,
    sum(gross_margin_usd) as gross_margin_usd,
    sum(discounts_usd) as discounts_usd
from {{ ref('feat_demand_lines') }}
group by {{ column }}, week
{% if not loop.last %}union all{% endif %}
{% endfor %}
