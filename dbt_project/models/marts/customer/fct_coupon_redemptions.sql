select
    customer_id || '@' || coupon_id || '@' || campaign_id || '@' || cast(redeemed_on as varchar) as coupon_redemption_id,
    customer_id,
    coupon_id,
    campaign_id,
    redeemed_on
from {{ ref('stg_landing__coupon_redemptions') }}
