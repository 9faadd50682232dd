with snapshots as (
    select
        stock.*,
        cast(stock.on_hand_units * stock.unit_cost as decimal(18, 4)) as inventory_value,
        coalesce(flows.net_movement_units, 0) as net_movement_units,
        coalesce(flows.young_change_units, 0) as young_change_units,
        coalesce(stock.sales_units, flows.sold_units, 0) as served_units,
        -- Where nobody knows the true demand, what was sold is all that was seen of it.
        greatest(
            coalesce(stock.demand_units, 0), coalesce(stock.sales_units, flows.sold_units, 0)
        ) as wanted_units
    from {{ ref('stg_landing__inventory_snapshots') }} as stock
    left join {{ ref('int_stock_flows_daily') }} as flows
        on flows.location_id = stock.location_id
        and flows.product_id = stock.product_id
        and flows.date_day = stock.snapshot_date
),

windowed as (
    select
        snapshots.*,
        lag(on_hand_units) over days as opening_units,
        lag(inventory_value) over days as previous_value,
        lag(snapshot_date) over days as previous_day,
        lead(snapshot_date) over days as next_day,
        avg(wanted_units) over last_28_days as mean_daily_demand_28d,
        sum(young_change_units) over days as young_units
    from snapshots
    window
        days as (partition by location_id, product_id order by snapshot_date),
        last_28_days as (
            partition by location_id, product_id
            order by snapshot_date
            range between interval 27 days preceding and current row
        )
)

select
    snapshot_date as date_day,
    location_id,
    product_id,
    on_hand_units,
    reserved_units,
    in_transit_units,
    on_order_units,
    on_hand_units - reserved_units + in_transit_units as available_to_promise_units,
    case when previous_day = {{ add_days('snapshot_date', '-1') }} then opening_units end as opening_units,
    net_movement_units,
    inventory_value,
    cast(inventory_value - coalesce(previous_value, 0) as decimal(18, 4)) as value_change,
    -- The lots' own count where it is known; else first in, first out from the movements.
    cast(
        coalesce(aged_units, greatest(on_hand_units - young_units, 0)) * unit_cost as decimal(18, 4)
    ) as aged_inventory_value,
    cast(
        greatest(on_hand_units - {{ var('target_cover_days') }} * mean_daily_demand_28d, 0) * unit_cost
        as decimal(18, 4)
    ) as excess_value,
    wanted_units as demand_units,
    served_units as sales_units,
    wanted_units - served_units as lost_sales_units,
    cast(served_units * unit_cost as decimal(18, 4)) as cost_of_served,
    mean_daily_demand_28d,
    is_ranged,
    is_ranged and on_hand_units <= 0 as is_stockout,
    next_day as next_count_day,
    is_simulated
from windowed
