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
        'coalesce(landed.business_date, ' ~ trading_date('landed.sold_at') ~ ') as date_day',
        'landed.week',
        'landed.quantity',
        'landed.quantity = 0 as is_quantity_zero',
        'landed.sales_value',
        'landed.retail_discount',
        'landed.coupon_discount',
        'landed.coupon_match_discount',
        'landed.channel',
        'landed.is_simulated',
    ]
) }}
