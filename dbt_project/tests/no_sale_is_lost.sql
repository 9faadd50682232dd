-- Every landed line reaches the mart with its value: also the 4,836 lines whose product was never listed.
with landed as (
    select count(*) as line_count, sum(sales_value) as sales from {{ ref('stg_landing__sales_lines') }}
),

kept as (
    select count(*) as line_count, sum(net_sales) as sales from {{ ref('fct_sales_lines') }}
)

select landed.line_count, kept.line_count as kept_line_count, landed.sales, kept.sales as kept_sales
from landed
cross join kept
where landed.line_count <> kept.line_count or landed.sales <> kept.sales
