{{ latest_rows(
    'invoices',
    key=['invoice_id'],
    columns=[
        'landed.invoice_id',
        'landed.supplier_id',
        'landed.purchase_order_id',
        'landed.invoiced_on',
        'landed.due_on',
        'landed.amount',
        'landed.is_simulated',
    ]
) }}
