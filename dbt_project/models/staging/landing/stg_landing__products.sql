{{ latest_rows(
    'products',
    key=['product_id'],
    columns=[
        'landed.product_id',
        'landed.department',
        'coalesce(landed.category, landed.department) as category',
        'landed.product_type',
        'landed.brand',
        'landed.manufacturer_id',
        'landed.package_size',
        'landed.case_pack_units',
        'landed.shelf_life_days',
        'landed.supplier_id',
        'landed.landed_cost',
        'landed.list_price',
        'landed.is_simulated',
    ]
) }}
