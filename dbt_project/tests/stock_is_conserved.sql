-- Conservation of stock: the close of the day before and the day's movements (receipts + returns − sales − waste − shrink
-- ± transfers, and the opening stock on the first day) make the close of the day, for every product, location and day.
select date_day, location_id, product_id, opening_units, net_movement_units, on_hand_units
from {{ ref('fct_inventory_daily') }}
where coalesce(opening_units, 0) + net_movement_units <> on_hand_units
