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
    cast(outcomes.margin_decided as decimal(18, 4)) as margin_decided,
    cast(outcomes.stock_value_decided as decimal(18, 4)) as stock_value_decided,
    cast(outcomes.cogs_decided as decimal(18, 4)) as cogs_decided,
    outcomes.served_proposed_units,
    cast(outcomes.margin_proposed as decimal(18, 4)) as margin_proposed,
    cast(outcomes.stock_value_proposed as decimal(18, 4)) as stock_value_proposed,
    cast(outcomes.cogs_proposed as decimal(18, 4)) as cogs_proposed,
    outcomes.served_baseline_units,
    cast(outcomes.margin_baseline as decimal(18, 4)) as margin_baseline,
    cast(outcomes.stock_value_baseline as decimal(18, 4)) as stock_value_baseline,
    cast(outcomes.cogs_baseline as decimal(18, 4)) as cogs_baseline,
    cast(outcomes.action_cost as decimal(18, 4)) as action_cost,
    decisions.origin,
    decisions.is_simulated or outcomes.is_simulated as is_simulated
from {{ ref('stg_platform__decision_outcomes') }} as outcomes
inner join final_decisions as decisions on decisions.recommendation_id = outcomes.recommendation_id
