-- Exactly the days of the data: cumulative and offset metrics must not invent days beyond them.
select date_day from {{ ref('dim_date') }}
