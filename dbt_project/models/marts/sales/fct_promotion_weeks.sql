-- Compares a promoted week with the ordinary weeks of the same product and location; full fiscal weeks only.
with full_weeks as (
    select distinct fiscal_week as week from {{ ref('dim_date') }} where is_full_fiscal_week
),

weekly as (
    select product_id, location_id, week, sum(units_sold) as units_sold
    from {{ ref('fct_sales_lines') }}
    where units_sold > 0 and week in (select week from full_weeks)
    group by product_id, location_id, week
),

pairs as (
    select product_id, location_id, sum(units_sold) as units_sold
    from weekly
    group by product_id, location_id
    having count(*) >= 8
),

promoted as (
    select
        promotions.product_id,
        promotions.location_id,
        promotions.week,
        promotions.promotion_id,
        pairs.units_sold as pair_units_sold,
        coalesce(weekly.units_sold, 0) as units_sold
    from {{ ref('fct_promotions_weekly') }} as promotions
    inner join pairs
        on pairs.product_id = promotions.product_id and pairs.location_id = promotions.location_id
    left join weekly
        on weekly.product_id = promotions.product_id
        and weekly.location_id = promotions.location_id
        and weekly.week = promotions.week
    where (promotions.is_display or promotions.is_mailer)
        and promotions.week in (select week from full_weeks)
),

compared as (
    select
        promoted.*,
        pair_units_sold - sum(units_sold) over (partition by product_id, location_id) as ordinary_units,
        (select count(*) from full_weeks) - count(*) over (partition by product_id, location_id) as ordinary_weeks
    from promoted
),

week_starts as (
    select fiscal_week as week, min(date_day) as week_starts_on
    from {{ ref('dim_date') }}
    group by fiscal_week
)

select
    week_starts.week_starts_on,
    compared.week,
    compared.product_id,
    compared.location_id,
    compared.promotion_id,
    cast(compared.units_sold as bigint) as promoted_units,
    cast(compared.ordinary_units as double) / compared.ordinary_weeks as baseline_units
from compared
inner join week_starts on week_starts.week = compared.week
where compared.ordinary_weeks >= 4
