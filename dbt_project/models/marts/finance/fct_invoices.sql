with payments as (
    select invoice_id, max(paid_on) as paid_on, sum(amount_usd) as paid_usd
    from {{ ref('stg_landing__payments') }}
    group by invoice_id
)

select
    invoices.invoice_id,
    invoices.supplier_id,
    orders.location_id,
    invoices.purchase_order_id,
    invoices.invoiced_on,
    invoices.due_on,
    payments.paid_on,
    cast(invoices.amount_usd as decimal(18, 4)) as amount_usd,
    cast(coalesce(payments.paid_usd, 0) as decimal(18, 4)) as paid_usd,
    invoices.is_simulated
from {{ ref('stg_landing__invoices') }} as invoices
left join {{ ref('stg_landing__purchase_orders') }} as orders
    on orders.purchase_order_id = invoices.purchase_order_id
left join payments on payments.invoice_id = invoices.invoice_id
