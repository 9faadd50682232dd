select
    campaign_id,
    max(campaign_type) as campaign_type,
    min(starts_on) as starts_on,
    max(ends_on) as ends_on,
    count(distinct customer_id) as customers_addressed
from {{ ref('stg_landing__campaigns') }}
group by campaign_id
