{{ latest_rows(
    'payments',
    key=['payment_id'],
    columns=[
        'landed.payment_id',
        'landed.invoice_id',
        'landed.paid_on',
        'landed.amount',
        'landed.is_simulated',
    ]
) }}
