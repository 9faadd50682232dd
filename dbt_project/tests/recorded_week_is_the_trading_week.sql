-- The trading day derived from UTC agrees with the week the shops recorded; a wrong time zone shows here at once.
select lines.date_day, lines.week, calendar.fiscal_week
from {{ ref('fct_sales_lines') }} as lines
inner join {{ ref('dim_date') }} as calendar on calendar.date_day = lines.date_day
where lines.week <> calendar.fiscal_week
