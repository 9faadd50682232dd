{{ latest_rows(
    'coupon_redemptions',
    key=['customer_id', 'coupon_id', 'campaign_id', 'redeemed_on'],
    columns=[
        'landed.customer_id',
        'landed.coupon_id',
        'landed.campaign_id',
        'landed.redeemed_on',
        'landed.is_simulated',
    ]
) }}
