select
    supplier_id || '@' || cast(valid_from as varchar) as supplier_terms_id,
    supplier_id,
    valid_from,
    valid_to,
    is_current,
    payment_terms_days,
    lead_time_mean_days,
    lead_time_sd_days,
    minimum_order_units,
    review_period_days,
    is_simulated
from {{ ref('int_suppliers_ranged') }}
