-- Only the first and the last fiscal week may be cut (1 and 53 in the demo); a hole in between is missing data.
select fiscal_week, fiscal_week_trading_days
from {{ ref('dim_date') }}
where not is_full_fiscal_week
    and fiscal_week_starts_on not in (
        select min(fiscal_week_starts_on) from {{ ref('dim_date') }}
        union all
        select max(fiscal_week_starts_on) from {{ ref('dim_date') }}
    )
