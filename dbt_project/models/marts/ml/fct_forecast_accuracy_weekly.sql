-- Forecast beside what was sold, once the week is recorded. A tracked series without a row that week sold nothing.
{% set levels = {'q025': 0.025, 'q10': 0.1, 'q25': 0.25, 'q50': 0.5, 'q75': 0.75, 'q90': 0.9, 'q975': 0.975} %}
with forecasts as (
    select forecasts.*
    from {{ ref('fct_demand_forecasts') }} as forecasts
    inner join {{ ref('feat_calendar_week') }} as weeks on weeks.week = forecasts.week and weeks.is_recorded
    where forecasts.tier in ('category', 'product')
),

compared as (
    select
        forecasts.*,
        coalesce(by_category.units, by_product.units, 0) as actual_units
    from forecasts
    left join {{ ref('feat_demand_category_week') }} as by_category
        on forecasts.tier = 'category'
        and by_category.location_id = forecasts.location_id
        and by_category.category = forecasts.item
        and by_category.week = forecasts.week
    left join {{ ref('feat_demand_product_week') }} as by_product
        on forecasts.tier = 'product'
        and by_product.location_id = forecasts.location_id
        and by_product.product_id = forecasts.item
        and by_product.week = forecasts.week
)

select
    model_name,
    model_version,
    model_version_id,
    is_backtest,
    tier,
    location_id,
    item,
    product_id,
    department,
    category,
    origin_week,
    week,
    week_ending,
    horizon_weeks,
    method,
    is_fallback,
    actual_units,
    q50 as median_units,
    mean_units,
    abs(actual_units - q50) as absolute_error_units,
    mean_units - actual_units as mean_error_units,
    (
        {%- for column, level in levels.items() %}
        greatest({{ level }} * (actual_units - {{ column }}), ({{ level }} - 1) * (actual_units - {{ column }}))
        {%- if not loop.last %} +{% endif %}
        {%- endfor %}
    ) / {{ levels | length }} as pinball_loss_units,
    actual_units between q10 and q90 as is_within_80,
    is_simulated
from compared
