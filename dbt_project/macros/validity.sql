{# Versions of a slowly changing thing as ranges [valid_from, valid_to): one is in force per key and day.

   `relation` holds one row per key and `effective_date` (NULL: from the beginning). `is_current` marks the version in
   force on the last day of the data; of a thing that has only versions to come, the first of them. #}
{% macro validity_ranges(relation, key, columns) -%}
with starting as (
    select
        versions.*,
        coalesce(versions.effective_date, cast('1900-01-01' as date)) as valid_from
    from {{ relation }} as versions
),

ranged as (
    select
        starting.*,
        coalesce(
            lead(valid_from) over (partition by {{ key }} order by valid_from), cast('9999-12-31' as date)
        ) as valid_to,
        row_number() over (partition by {{ key }} order by valid_from) as version_number
    from starting
),

data_window as (
    select coalesce(max(date_day), cast('9999-12-30' as date)) as last_day from {{ ref('dim_date') }}
)

select
    ranged.{{ key }},
    ranged.valid_from,
    ranged.valid_to,
    data_window.last_day < ranged.valid_to
    and (data_window.last_day >= ranged.valid_from or ranged.version_number = 1) as is_current,
    {%- for column in columns %}
    ranged.{{ column }}{{ "," if not loop.last }}
    {%- endfor %}
from ranged
cross join data_window
{%- endmacro %}
