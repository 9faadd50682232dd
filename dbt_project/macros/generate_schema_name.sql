{# Schemas are named as configured (`staging`, `intermediate`), never prefixed with the target's: readers rely on them. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
