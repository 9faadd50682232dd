-- Baskets are folded before they are counted: a distinct count of each group holds all of them in memory at once.
-- Momentum is read from pools larger than a series: the chain's category, product and department, the store.
{% set pools = {'category': 'category', 'product': 'product_id', 'department': 'department', 'location': 'location_id'} %}
{% for pool, column in pools.items() %}
select
    '{{ pool }}' as pool,
    {{ column }} as member,
    week,
    sum(units) as units,
    cast(count(basket_id) as integer) as baskets
from (
    select {{ column }}, week, basket_id, sum(units) as units
    from {{ ref('feat_demand_lines') }}
    group by {{ column }}, week, basket_id
) as by_basket
group by {{ column }}, week
{% if not loop.last %}union all{% endif %}
{% endfor %}
