-- Conservation of money: what was received against an order is what was invoiced for it, to the cent.
with received as (
    select purchase_order_id, sum(received_value_usd) as received_usd
    from {{ ref('fct_purchase_order_lines') }}
    group by purchase_order_id
),

invoiced as (
    select purchase_order_id, sum(amount_usd) as invoiced_usd
    from {{ ref('fct_invoices') }}
    group by purchase_order_id
)

select
    coalesce(received.purchase_order_id, invoiced.purchase_order_id) as purchase_order_id,
    received.received_usd,
    invoiced.invoiced_usd
from received
full outer join invoiced on invoiced.purchase_order_id = received.purchase_order_id
where abs(coalesce(received.received_usd, 0) - coalesce(invoiced.invoiced_usd, 0)) > 0.005
