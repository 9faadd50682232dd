-- Every forecast as it was made. Of several that were made for one week, the newest origin is the one in force.
with forecasts as (
    select
        *,
        case when tier = 'product' then item else {{ category_key('category') }} end as product_id
    from {{ ref('stg_platform__demand_forecasts') }}
),

newest as (
    select tier, location_id, item, week, max(release_id) as release_id
    from forecasts
    where not is_backtest
    group by tier, location_id, item, week
)

select
    forecasts.model_name,
    forecasts.model_version,
    {{ model_version_key('forecasts.model_name', 'forecasts.model_version') }} as model_version_id,
    forecasts.is_backtest,
    forecasts.tier,
    forecasts.location_id,
    forecasts.item,
    forecasts.product_id,
    forecasts.department,
    forecasts.category,
    forecasts.origin_week,
    forecasts.week,
    forecasts.week_ending,
    forecasts.horizon_weeks,
    forecasts.q025,
    forecasts.q10,
    forecasts.q25,
    forecasts.q50,
    forecasts.q75,
    forecasts.q90,
    forecasts.q975,
    forecasts.mean_units,
    forecasts.method,
    forecasts.is_fallback,
    forecasts.fallback_reason,
    newest.release_id is not null as is_in_force,
    forecasts.release_id,
    forecasts.is_simulated
from forecasts
left join newest
    on not forecasts.is_backtest
    and newest.tier = forecasts.tier
    and newest.location_id = forecasts.location_id
    and newest.item = forecasts.item
    and newest.week = forecasts.week
    and newest.release_id = forecasts.release_id
