{# True where the line is merchandise. Fuel is recorded in thousandths of a gallon and coupons as goods: both would
   swamp every unit KPI (151 M of 153 M units). Arguments are SQL expressions. #}
{% macro is_merchandise(department, category) -%}
    ({{ department }} not in ('FUEL', 'MISCELLANEOUS', 'COUPON') and {{ category }} <> 'COUPON/MISC ITEMS')
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
