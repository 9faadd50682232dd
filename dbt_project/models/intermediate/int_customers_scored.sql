-- Scores 1 (worst) to 5 (best) by fifths of the customers. What they bought breaks ties, not their key: pseudonyms are
-- drawn at random, and scores must not depend on them. The key is last, for customers who are equal in everything.
with scored as (
    select
        behaviour.*,
        ntile(5) over (order by recency_days desc, basket_count, net_sales, tenure_days, customer_id) as recency_score,
        ntile(5) over (order by basket_count, net_sales, recency_days desc, tenure_days, customer_id) as frequency_score,
        ntile(5) over (order by net_sales, basket_count, recency_days desc, tenure_days, customer_id) as monetary_score,
        percent_rank() over (order by net_sales) as spend_rank
    from {{ ref('int_customers_behaviour') }} as behaviour
),

paced as (
    select
        scored.*,
        -- Days between two purchases; one purchase says nothing, so its gap is the whole tenure.
        case
            when purchase_days > 1
                then {{ days_between('first_purchase_on', 'last_purchase_on') }} / (purchase_days - 1.0)
            else tenure_days
        end as mean_gap_days
    from scored
)

select
    paced.*,
    case
        when recency_score >= 4 and frequency_score >= 4 and monetary_score >= 4 then 'champion'
        when tenure_days <= 90 then 'new'
        when recency_score >= 3 and frequency_score >= 4 then 'loyal'
        when recency_score <= 2 and frequency_score >= 3 then 'at_risk'
        when recency_score = 1 then 'lapsed'
        else 'occasional'
    end as segment,
    case
        when spend_rank >= 0.8 then 'gold'
        when spend_rank >= 0.5 then 'silver'
        else 'bronze'
    end as loyalty_tier,
    -- Still a customer while silent no longer than usual; beyond that ever less likely.
    case
        when recency_days <= mean_gap_days then 1.0
        else round(mean_gap_days / recency_days, 6)
    end as active_probability,
    -- A tenure under four weeks says too little of a year: it is read as four weeks.
    gross_margin / greatest(tenure_days, 28) * 365 as margin_per_year
from paced
