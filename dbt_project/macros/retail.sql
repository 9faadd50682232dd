{# True where the line is merchandise: fuel recorded in thousandths of a gallon, or coupons recorded as goods, would
   swamp every unit KPI. Arguments are SQL expressions, the lists are the retailer's. #}
{% macro is_merchandise(department, category) -%}
    ({{ not_among(department, var('other_departments')) }} and {{ not_among(category, var('other_categories')) }})
{%- endmacro %}


{# True where an SQL expression is none of these texts. #}
{% macro not_among(expression, texts) -%}
    {%- if texts -%}
    {{ expression }} not in ({% for text in texts %}'{{ text | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %})
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}


{# 1 where the condition holds and the retailer keeps the holidays of the United States, else 0. #}
{% macro us_holiday(condition) -%}
    {%- if var('public_holidays') == 'US' -%}case when {{ condition }} then 1 else 0 end{%- else -%}0{%- endif -%}
{%- endmacro %}


{# What goods cost that have no cost per unit, from their value; NULL if the retailer says nothing of it. #}
{% macro cost_of_value(value) -%}
    {%- if var('pass_through_margin_rate') is none -%}
    cast(null as decimal(18, 4))
    {%- else -%}
    {{ value }} * (1 - {{ var('pass_through_margin_rate') }})
    {%- endif -%}
{%- endmacro %}


{# Name of the way a product is promoted in a week, from where it is displayed and mailed; '0' and NULL mean nowhere. #}
{% macro promo_type(display_location, mailer_location) -%}
    case
        when coalesce({{ display_location }}, '0') <> '0' and coalesce({{ mailer_location }}, '0') <> '0'
            then 'display_and_mailer'
        when coalesce({{ display_location }}, '0') <> '0' then 'display'
        when coalesce({{ mailer_location }}, '0') <> '0' then 'mailer'
        else 'none'
    end
{%- endmacro %}


{# A 64-bit hash of a row's columns: a cheap first look for equal keys, never a key itself. #}
{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash', 'steelyard')(columns)) }}
{%- endmacro %}

{% macro default__row_hash(columns) -%}
    hash({{ columns | join(', ') }})
{%- endmacro %}

{% macro spark__row_hash(columns) -%}
    xxhash64({{ columns | join(', ') }})
{%- endmacro %}
