-- What was counted last holds until it is counted again: on a day without a count, stock has not vanished.
with first_day as (
    select min(date_day) as first_day from {{ ref('dim_date') }}
),

stock_changes as (
    select
        stock.location_id,
        greatest(stock.date_day, first_day.first_day) as date_day,
        sum(stock.value_change) as amount_change
    from {{ ref('fct_inventory_daily') }} as stock
    cross join first_day
    group by stock.location_id, greatest(stock.date_day, first_day.first_day)
),

payables as (
    select location_id, date_day, sum(accounts_payable) as accounts_payable
    from {{ ref('fct_payables_daily') }}
    group by location_id, date_day
),

receivable_changes as (
    select location_id, date_day, sum(amount_change) as amount_change
    from {{ ref('int_receivables_changes') }}
    group by location_id, date_day
),

-- Every location on every day, so that a balance of zero is a row and not a gap.
grid as (
    select locations.location_id, calendar.date_day
    from {{ ref('dim_location') }} as locations
    cross join {{ ref('dim_date') }} as calendar
),

balances as (
    select
        grid.date_day,
        grid.location_id,
        sum(coalesce(stock_changes.amount_change, 0)) over (
            partition by grid.location_id order by grid.date_day
        ) as inventory_value,
        sum(coalesce(receivable_changes.amount_change, 0)) over (
            partition by grid.location_id order by grid.date_day
        ) as accounts_receivable,
        coalesce(payables.accounts_payable, 0) as accounts_payable
    from grid
    left join stock_changes
        on stock_changes.location_id = grid.location_id
        and stock_changes.date_day = grid.date_day
    left join payables on payables.location_id = grid.location_id and payables.date_day = grid.date_day
    left join receivable_changes
        on receivable_changes.location_id = grid.location_id
        and receivable_changes.date_day = grid.date_day
),

-- Of a retailer who brings no stock, or no invoice, these are not zero: they are not known.
known as (
    select
        exists (select 1 from {{ ref('fct_inventory_daily') }}) as has_stock,
        exists (select 1 from {{ ref('fct_payables_daily') }}) as has_payables
),

parts as (
    select
        balances.date_day,
        balances.location_id,
        case when known.has_stock then balances.inventory_value end as inventory_value,
        balances.accounts_receivable,
        case when known.has_payables then balances.accounts_payable end as accounts_payable
    from balances
    cross join known
)

select
    date_day,
    location_id,
    cast(inventory_value as decimal(18, 4)) as inventory_value,
    cast(accounts_receivable as decimal(18, 4)) as accounts_receivable,
    cast(accounts_payable as decimal(18, 4)) as accounts_payable,
    cast(
        inventory_value + accounts_receivable - accounts_payable as decimal(18, 4)
    ) as working_capital
from parts
