-- Shops are paid in cash; what is owed to the retailer are redeemed manufacturer coupons, until they are paid back.
with coupons as (
    select location_id, date_day, sum(manufacturer_coupons) as coupons
    from {{ ref('fct_sales_lines') }}
    where manufacturer_coupons <> 0
    group by location_id, date_day
)

select location_id, date_day, coupons as amount_change from coupons
union all
select location_id, {{ add_days('date_day', var('coupon_reimbursement_days')) }}, -coupons from coupons
