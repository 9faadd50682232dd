with activity as (
    select
        product_id,
        location_id,
        cast(date_trunc('month', received_on) as date) as month_starts_on,
        received_value as receipts,
        cast(0 as decimal(18, 4)) as commitments
    from {{ ref('fct_purchase_order_lines') }}
    where received_on is not null
    union all
    -- Still to come: bound in the month in which it is promised.
    select product_id, location_id, cast(date_trunc('month', promised_on) as date), 0, ordered_value
    from {{ ref('fct_purchase_order_lines') }}
    where received_on is null and status = 'open'
),

monthly as (
    select
        product_id,
        location_id,
        month_starts_on,
        sum(receipts) as receipts,
        sum(commitments) as commitments
    from activity
    group by product_id, location_id, month_starts_on
),

shares as (
    select * from {{ ref('int_budget_shares') }}
),

budgets as (
    select
        shares.product_id,
        shares.location_id,
        budget.month as month_starts_on,
        budget.open_to_buy_budget * shares.budget_share as budget
    from {{ ref('stg_landing__budgets') }} as budget
    inner join shares on shares.department = budget.department and shares.region = budget.region
),

combined as (
    select product_id, location_id, month_starts_on, budget, 0 as receipts, 0 as commitments from budgets
    union all
    select product_id, location_id, month_starts_on, 0, receipts, commitments from monthly
)

select
    month_starts_on,
    product_id,
    location_id,
    sum(cast(budget as double)) as budget,
    cast(sum(commitments) as decimal(18, 4)) as commitments,
    cast(sum(receipts) as decimal(18, 4)) as receipts
from combined
group by month_starts_on, product_id, location_id
