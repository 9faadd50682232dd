with data_window as (
    select max(date_day) as last_day from {{ ref('dim_date') }}
),

-- Consent as of the last day of the data; no record means no consent.
consents as (
    select
        consent.customer_id,
        max(case when consent.purpose = 'analytics' then 1 else 0 end) = 1 as has_analytics_consent,
        max(case when consent.purpose = 'personalisation' then 1 else 0 end) = 1 as has_personalisation_consent,
        max(case when consent.purpose = 'marketing' then 1 else 0 end) = 1 as has_marketing_consent
    from {{ ref('dim_customer_consent') }} as consent
    inner join data_window
        on data_window.last_day >= consent.valid_from
        and data_window.last_day < consent.valid_to
    where consent.is_granted
    group by consent.customer_id
),

-- A customer who bought and is in no customer file still has a row, with an empty profile and no consent.
everyone as (
    select customer_id from {{ ref('stg_landing__customers') }}
    union
    select customer_id from {{ ref('int_customers_scored') }}
)

select
    everyone.customer_id,
    data_window.last_day as as_of_date,
    coalesce(scored.segment, 'inactive') as segment,
    coalesce(scored.loyalty_tier, 'none') as loyalty_tier,
    customers.age_band,
    customers.income_band,
    customers.household_size,
    customers.home_ownership,
    customers.marital_status,
    customers.household_composition,
    customers.kids_count,
    coalesce(consents.has_analytics_consent, false) as has_analytics_consent,
    coalesce(consents.has_personalisation_consent, false) as has_personalisation_consent,
    coalesce(consents.has_marketing_consent, false) as has_marketing_consent,
    scored.recency_score,
    scored.frequency_score,
    scored.monetary_score,
    scored.first_purchase_on,
    scored.last_purchase_on,
    coalesce(scored.basket_count, 0) as basket_count,
    coalesce(scored.active_probability, 0.0) as active_probability,
    cast(
        -- Who never bought brings nothing; what a buyer brings is not known without a cost.
        case when scored.customer_id is null then 0 else scored.margin_per_year * scored.active_probability end
        as decimal(18, 4)
    ) as expected_margin_12m
from everyone
cross join data_window
left join {{ ref('stg_landing__customers') }} as customers on customers.customer_id = everyone.customer_id
left join {{ ref('int_customers_scored') }} as scored on scored.customer_id = everyone.customer_id
left join consents on consents.customer_id = everyone.customer_id
