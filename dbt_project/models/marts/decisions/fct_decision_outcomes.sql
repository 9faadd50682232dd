with final_decisions as (
    select * from {{ ref('fct_decisions') }} where is_final
)

select
    outcomes.recommendation_id,
    decisions.date_day,
    decisions.decision,
    decisions.decided_by,
    decisions.team,
    decisions.reason_code,
    decisions.action,
    decisions.product_id,
    decisions.location_id,
    decisions.supplier_id,
    decisions.model_name,
    decisions.model_version,
    outcomes.baseline_policy,
    outcomes.measured_from,
    outcomes.measured_to,
    cast({{ days_between('outcomes.measured_from', 'outcomes.measured_to') }} + 1 as integer) as measured_days,
    outcomes.demand_units,
    outcomes.served_decided_units,
    cast(outcomes.margin_decided_usd as decimal(18, 4)) as margin_decided_usd,
    cast(outcomes.stock_value_decided_usd as decimal(18, 4)) as stock_value_decided_usd,
    cast(outcomes.cogs_decided_usd as decimal(18, 4)) as cogs_decided_usd,
    outcomes.served_proposed_units,
    cast(outcomes.margin_proposed_usd as decimal(18, 4)) as margin_proposed_usd,
    cast(outcomes.stock_value_proposed_usd as decimal(18, 4)) as stock_value_proposed_usd,
    cast(outcomes.cogs_proposed_usd as decimal(18, 4)) as cogs_proposed_usd,
    outcomes.served_baseline_units,
    cast(outcomes.margin_baseline_usd as decimal(18, 4)) as margin_baseline_usd,
    cast(outcomes.stock_value_baseline_usd as decimal(18, 4)) as stock_value_baseline_usd,
    cast(outcomes.cogs_baseline_usd as decimal(18, 4)) as cogs_baseline_usd,
    cast(outcomes.action_cost_usd as decimal(18, 4)) as action_cost_usd,
    decisions.origin,
    decisions.is_simulated or outcomes.is_simulated as is_simulated
from {{ ref('stg_platform__decision_outcomes') }} as outcomes
inner join final_decisions as decisions on decisions.recommendation_id = outcomes.recommendation_id
