with recommendations as (
    select * from {{ ref('fct_recommendations') }}
),

-- What policy let through without a person is a decision too: of nobody, at the moment of the proposal.
decided as (
    select
        decision_id,
        recommendation_id,
        decision,
        decided_by,
        role as team,
        reason_code,
        quantity_units as decided_units,
        decided_at,
        false as is_automatic,
        is_simulated
    from {{ ref('stg_platform__decisions') }}
    union all
    select
        'automatic/' || recommendation_id as decision_id,
        recommendation_id,
        'approve' as decision,
        'policy' as decided_by,
        'automatic' as team,
        null as reason_code,
        decided_units,
        proposed_at as decided_at,
        true as is_automatic,
        is_simulated
    from recommendations
    where is_automatic
),

-- Of two people the second settles it; the first of two is a step on the way.
ranked as (
    select
        *,
        row_number() over (partition by recommendation_id order by decided_at desc, decision_id desc) = 1 as is_last
    from decided
)

select
    ranked.decision_id,
    ranked.recommendation_id,
    {{ trading_date('ranked.decided_at') }} as date_day,
    ranked.decided_at,
    ranked.decision,
    ranked.decided_by,
    ranked.team,
    ranked.reason_code,
    ranked.is_automatic,
    ranked.is_last and recommendations.state not in ('proposed', 'in_review', 'expired') as is_final,
    recommendations.action,
    recommendations.product_id,
    recommendations.location_id,
    recommendations.supplier_id,
    recommendations.model_name,
    recommendations.model_version,
    recommendations.policy_route,
    recommendations.proposed_units,
    ranked.decided_units,
    cast({{ hours_between('recommendations.proposed_at', 'ranked.decided_at') }} as double) as cycle_hours,
    -- Estimates are of the quantity proposed: cash follows the quantity; margin does up to what was proposed.
    case when ranked.decision <> 'reject' then cast(
        recommendations.expected_margin
        * coalesce(least(ranked.decided_units / nullif(recommendations.proposed_units, 0), 1), 1) as decimal(18, 4)
    ) else 0 end as expected_margin,
    case when ranked.decision <> 'reject' then cast(
        recommendations.expected_cash
        * coalesce(ranked.decided_units / nullif(recommendations.proposed_units, 0), 1) as decimal(18, 4)
    ) else 0 end as expected_cash,
    recommendations.origin,
    ranked.is_simulated
from ranked
inner join recommendations on recommendations.recommendation_id = ranked.recommendation_id
