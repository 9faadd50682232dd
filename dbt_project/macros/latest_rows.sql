{# Rows of a landing table in force: of several batches that hold the same key, the newest batch wins.

   `columns` are the select expressions, `key` the contract's key columns (NULL equals NULL). With one batch the right
   side of the anti-join is empty, so a first load of tens of millions of rows pays nothing for it. #}
{% macro latest_rows(table, key, columns, source_name='landing') -%}
select
    {{ columns | join(',\n    ') }}
from {{ source(source_name, table) }} as landed
where not exists (
    select 1
    from {{ source(source_name, table) }} as newer
    where newer.batch_sequence > (select min(first_batch.batch_sequence) from {{ source(source_name, table) }} as first_batch)
        and newer.batch_sequence > landed.batch_sequence
        {%- for column in key %}
        and newer.{{ column }} is not distinct from landed.{{ column }}
        {%- endfor %}
)
{%- endmacro %}
