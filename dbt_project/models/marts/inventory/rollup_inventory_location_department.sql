select
    facts.date_day,
    facts.location_id,
    products.department,
    facts.next_count_day,
    sum(facts.on_hand_units) as on_hand_units,
    sum(facts.inventory_value) as inventory_value,
    sum(facts.aged_inventory_value) as aged_inventory_value,
    sum(facts.excess_value) as excess_value,
    sum(facts.mean_daily_demand_28d) as mean_daily_demand_28d,
    sum(facts.demand_units) as demand_units,
    sum(facts.sales_units) as sales_units,
    sum(facts.lost_sales_units) as lost_sales_units,
    sum(case when facts.is_stockout then 1 else 0 end) as stockout_days,
    sum(case when facts.is_ranged then 1 else 0 end) as ranged_days
from {{ ref('fct_inventory_daily') }} as facts
left join {{ ref('dim_product') }} as products on products.product_id = facts.product_id
group by facts.date_day, facts.location_id, products.department, facts.next_count_day
