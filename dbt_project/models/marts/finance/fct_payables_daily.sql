with changes as (
    select supplier_id, location_id, invoiced_on as date_day, amount as amount_change
    from {{ ref('fct_invoices') }}
    union all
    select invoices.supplier_id, invoices.location_id, payments.paid_on, -payments.amount
    from {{ ref('stg_landing__payments') }} as payments
    inner join {{ ref('fct_invoices') }} as invoices on invoices.invoice_id = payments.invoice_id
),

daily as (
    select supplier_id, location_id, date_day, sum(amount_change) as amount_change
    from changes
    group by supplier_id, location_id, date_day
),

-- A row for every day, zeros too: a settled account must not look like one whose last day is missing.
accounts as (
    select distinct supplier_id, location_id from daily
),

opening as (
    select daily.supplier_id, daily.location_id, sum(daily.amount_change) as opening
    from daily
    where daily.date_day < (select min(date_day) from {{ ref('dim_date') }})
    group by daily.supplier_id, daily.location_id
)

select
    calendar.date_day,
    accounts.supplier_id,
    accounts.location_id,
    cast(
        coalesce(opening.opening, 0) + sum(coalesce(daily.amount_change, 0)) over (
            partition by accounts.supplier_id, accounts.location_id
            order by calendar.date_day
        ) as decimal(18, 4)
    ) as accounts_payable
from accounts
cross join {{ ref('dim_date') }} as calendar
left join daily
    on daily.supplier_id = accounts.supplier_id
    and daily.location_id = accounts.location_id
    and daily.date_day = calendar.date_day
left join opening
    on opening.supplier_id = accounts.supplier_id
    and opening.location_id = accounts.location_id
