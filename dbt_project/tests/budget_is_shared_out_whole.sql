-- Sharing budgets out to products and locations must give back the budget of every month, department and region.
with shared as (
    select facts.month_starts_on, products.department, locations.region, sum(facts.budget) as budget
    from {{ ref('fct_open_to_buy_monthly') }} as facts
    inner join {{ ref('dim_product') }} as products on products.product_id = facts.product_id
    inner join {{ ref('dim_location') }} as locations on locations.location_id = facts.location_id
    group by facts.month_starts_on, products.department, locations.region
)

select budget.month, budget.department, budget.region, budget.open_to_buy_budget, shared.budget
from {{ ref('stg_landing__budgets') }} as budget
left join shared
    on shared.month_starts_on = budget.month
    and shared.department = budget.department
    and shared.region = budget.region
where abs(budget.open_to_buy_budget - coalesce(shared.budget, 0)) > 0.01
