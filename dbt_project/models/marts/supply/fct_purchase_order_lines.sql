with receipts as (
    select
        purchase_order_id,
        line_number,
        min(received_on) as first_received_on,
        max(received_on) as received_on,
        sum(received_units) as received_units,
        sum(received_units * unit_cost) as received_value
    from {{ ref('stg_landing__receipts') }}
    group by purchase_order_id, line_number
),

-- A short delivery splits its line: what came is received, the rest cancelled. Neither half was in full.
lines as (
    select
        stg.*,
        max(case when stg.status = 'cancelled' then 1 else 0 end) over (
            partition by stg.purchase_order_id, stg.product_id
        ) = 1 as was_cut_short
    from {{ ref('stg_landing__purchase_order_lines') }} as stg
),

data_window as (
    select max(date_day) as last_day from {{ ref('dim_date') }}
)

select
    lines.purchase_order_id || '/' || lines.line_number as purchase_order_line_id,
    lines.purchase_order_id,
    lines.line_number,
    orders.supplier_id,
    orders.location_id,
    lines.product_id,
    orders.ordered_on,
    orders.promised_on,
    receipts.first_received_on,
    receipts.received_on,
    cast({{ days_between('orders.ordered_on', 'receipts.received_on') }} as integer) as lead_time_days,
    lines.ordered_units,
    cast(coalesce(receipts.received_units, 0) as integer) as received_units,
    lines.unit_cost,
    cast(
        lines.ordered_units * lines.unit_cost + lines.freight + lines.duty as decimal(18, 4)
    ) as ordered_value,
    cast(coalesce(receipts.received_value, 0) as decimal(18, 4)) as received_value,
    cast(lines.freight + lines.duty as decimal(18, 4)) as freight_and_duty,
    lines.status,
    lines.was_cut_short,
    -- A line counts for or against the supplier once its promise has come due; before that it is merely open.
    lines.status <> 'cancelled' and orders.promised_on <= data_window.last_day as is_due,
    coalesce(
        lines.status <> 'cancelled'
        and not lines.was_cut_short
        and receipts.received_on <= orders.promised_on
        and receipts.received_units >= lines.ordered_units,
        false
    ) as is_otif,
    lines.is_simulated
from lines
inner join {{ ref('stg_landing__purchase_orders') }} as orders
    on orders.purchase_order_id = lines.purchase_order_id
left join receipts
    on receipts.purchase_order_id = lines.purchase_order_id
    and receipts.line_number = lines.line_number
cross join data_window
