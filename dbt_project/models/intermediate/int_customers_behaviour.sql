-- Recency, frequency and money of every customer up to the last day of the data. Sales without a customer, who never
-- gave a name or was erased, stay sales; nobody behaves.
with data_window as (
    select max(date_day) as last_day from {{ ref('dim_date') }}
)

select
    sales.customer_id,
    data_window.last_day as as_of_date,
    min(sales.date_day) as first_purchase_on,
    max(sales.date_day) as last_purchase_on,
    cast({{ days_between('max(sales.date_day)', 'data_window.last_day') }} as integer) as recency_days,
    cast({{ days_between('min(sales.date_day)', 'data_window.last_day') }} as integer) + 1 as tenure_days,
    count(distinct sales.basket_id) as basket_count,
    count(distinct sales.date_day) as purchase_days,
    cast(sum(sales.net_sales) as decimal(18, 4)) as net_sales,
    cast(sum(sales.gross_margin) as decimal(18, 4)) as gross_margin
from {{ ref('fct_sales_lines') }} as sales
cross join data_window
where sales.customer_id is not null
group by sales.customer_id, data_window.last_day
