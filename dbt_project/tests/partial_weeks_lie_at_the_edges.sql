-- Only the first and the last fiscal week are cut in the demo (1 and 53). A hole in between is a closed day or missing
-- data, and only the retailer knows which: a warning, since a holiday must not stop a build.
{{ config(severity='warn') }}

select fiscal_week, fiscal_week_trading_days
from {{ ref('dim_date') }}
where not is_full_fiscal_week
    and fiscal_week_starts_on not in (
        select min(fiscal_week_starts_on) from {{ ref('dim_date') }}
        union all
        select max(fiscal_week_starts_on) from {{ ref('dim_date') }}
    )
