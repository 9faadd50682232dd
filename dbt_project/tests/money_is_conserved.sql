-- Conservation of money: what was received against an order is what was invoiced for it, to the cent.
with received as (
    select purchase_order_id, sum(received_value) as received
    from {{ ref('fct_purchase_order_lines') }}
    group by purchase_order_id
),

invoiced as (
    select purchase_order_id, sum(amount) as invoiced
    from {{ ref('fct_invoices') }}
    group by purchase_order_id
)

select
    coalesce(received.purchase_order_id, invoiced.purchase_order_id) as purchase_order_id,
    received.received,
    invoiced.invoiced
from received
full outer join invoiced on invoiced.purchase_order_id = received.purchase_order_id
where abs(coalesce(received.received, 0) - coalesce(invoiced.invoiced, 0)) > 0.005
