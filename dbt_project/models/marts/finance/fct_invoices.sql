with payments as (
    select invoice_id, max(paid_on) as paid_on, sum(amount) as paid
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
    -- What had been agreed on the day of the invoice, whatever is agreed today.
    terms.payment_terms_days as agreed_terms_days,
    cast(invoices.amount as decimal(18, 4)) as amount,
    cast(coalesce(payments.paid, 0) as decimal(18, 4)) as paid,
    invoices.is_simulated
from {{ ref('stg_landing__invoices') }} as invoices
left join {{ ref('stg_landing__purchase_orders') }} as orders
    on orders.purchase_order_id = invoices.purchase_order_id
left join payments on payments.invoice_id = invoices.invoice_id
left join {{ ref('dim_supplier_terms') }} as terms
    on terms.supplier_id = invoices.supplier_id
    and invoices.invoiced_on >= terms.valid_from
    and invoices.invoiced_on < terms.valid_to
