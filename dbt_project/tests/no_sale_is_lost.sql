-- Every landed line reaches the mart with its value: also the 4,836 lines whose product was never listed.
with landed as (
    select count(*) as line_count, sum(sales_value_usd) as sales_usd from {{ ref('stg_landing__sales_lines') }}
),

kept as (
    select count(*) as line_count, sum(net_sales_usd) as sales_usd from {{ ref('fct_sales_lines') }}
)

select landed.line_count, kept.line_count as kept_line_count, landed.sales_usd, kept.sales_usd as kept_sales_usd
from landed
cross join kept
where landed.line_count <> kept.line_count or landed.sales_usd <> kept.sales_usd
