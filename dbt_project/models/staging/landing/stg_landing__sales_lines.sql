{{ latest_rows(
    'sales_lines',
    key=['sales_line_id'],
    columns=[
        'landed.sales_line_id',
        'landed.basket_id',
        'landed.customer_id',
        'landed.location_id',
        'landed.product_id',
        'landed.sold_at',
        'coalesce(landed.business_date, ' ~ trading_date('landed.sold_at', 'landed.location_id') ~ ') as date_day',
        'coalesce(landed.week, ' ~ counted_week('landed.business_date', source('landing', 'sales_lines'), 'business_date') ~ ') as week',
        'landed.quantity',
        'landed.quantity = 0 as is_quantity_zero',
        'landed.sales_value',
        'coalesce(landed.retail_discount, 0) as retail_discount',
        'coalesce(landed.coupon_discount, 0) as coupon_discount',
        'coalesce(landed.coupon_match_discount, 0) as coupon_match_discount',
        "coalesce(landed.channel, 'unknown') as channel",
        'landed.is_simulated',
    ]
) }}
