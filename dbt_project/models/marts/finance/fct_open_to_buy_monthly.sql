with activity as (
    select
        product_id,
        location_id,
        cast(date_trunc('month', received_on) as date) as month_starts_on,
        received_value_usd as receipts_usd,
        cast(0 as decimal(18, 4)) as commitments_usd
    from {{ ref('fct_purchase_order_lines') }}
    where received_on is not null
    union all
    -- Still to come: bound in the month in which it is promised.
    select product_id, location_id, cast(date_trunc('month', promised_on) as date), 0, ordered_value_usd
    from {{ ref('fct_purchase_order_lines') }}
    where received_on is null and status = 'open'
),

monthly as (
    select
        product_id,
        location_id,
        month_starts_on,
        sum(receipts_usd) as receipts_usd,
        sum(commitments_usd) as commitments_usd
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
        budget.open_to_buy_budget_usd * shares.budget_share as budget_usd
    from {{ ref('stg_landing__budgets') }} as budget
    inner join shares on shares.department = budget.department and shares.region = budget.region
),

combined as (
    select product_id, location_id, month_starts_on, budget_usd, 0 as receipts_usd, 0 as commitments_usd from budgets
    union all
    select product_id, location_id, month_starts_on, 0, receipts_usd, commitments_usd from monthly
)

select
    month_starts_on,
    product_id,
    location_id,
    sum(cast(budget_usd as double)) as budget_usd,
    cast(sum(commitments_usd) as decimal(18, 4)) as commitments_usd,
    cast(sum(receipts_usd) as decimal(18, 4)) as receipts_usd
from combined
group by month_starts_on, product_id, location_id
