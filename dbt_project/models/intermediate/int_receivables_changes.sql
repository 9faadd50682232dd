-- Shops are paid in cash; what is owed to the retailer are redeemed manufacturer coupons, until they are paid back.
with coupons as (
    select location_id, date_day, sum(manufacturer_coupons_usd) as coupons_usd
    from {{ ref('fct_sales_lines') }}
    where manufacturer_coupons_usd <> 0
    group by location_id, date_day
)

select location_id, date_day, coupons_usd as change_usd from coupons
union all
select location_id, {{ add_days('date_day', var('coupon_reimbursement_days')) }}, -coupons_usd from coupons
