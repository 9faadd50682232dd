select
    customer_id || '@' || purpose || '@' || cast(valid_from as varchar) as customer_consent_id,
    customer_id,
    purpose,
    is_granted,
    cast(valid_from as date) as valid_from,
    coalesce(cast(valid_to as date), cast('9999-12-31' as date)) as valid_to,
    is_simulated
from {{ ref('stg_landing__consents') }}
