{# Trading day of a UTC timestamp: the calendar day on the clock of the location, if given, else on the retailer's. #}
{% macro trading_date(timestamp_utc, location_id=none) -%}
    {{ return(adapter.dispatch('trading_date', 'steelyard')(timestamp_utc, location_id)) }}
{%- endmacro %}

{% macro default__trading_date(timestamp_utc, location_id) -%}
    cast({{ timestamp_utc }} at time zone 'UTC' at time zone {{ clock_of(location_id) }} as date)
{%- endmacro %}

{% macro spark__trading_date(timestamp_utc, location_id) -%}
    to_date(from_utc_timestamp({{ timestamp_utc }}, {{ clock_of(location_id) }}))
{%- endmacro %}


{# Time zone of a location, as an SQL expression. #}
{% macro clock_of(location_id=none) -%}
    {%- set zones = var('location_timezones') -%}
    {%- if zones and location_id is not none -%}
    case {{ location_id }}
        {%- for location, zone in zones.items() %} when '{{ location | replace("'", "''") }}' then '{{ zone }}'{% endfor %}
        else '{{ var("trading_timezone") }}' end
    {%- else -%}
    '{{ var("trading_timezone") }}'
    {%- endif -%}
{%- endmacro %}


{# One row per day, `date_day`, from start to end, both included; both are scalar SQL expressions. #}
{% macro day_series(start_date, end_date) -%}
    {{ return(adapter.dispatch('day_series', 'steelyard')(start_date, end_date)) }}
{%- endmacro %}

{% macro default__day_series(start_date, end_date) -%}
    select cast(days.day_value as date) as date_day
    from (select unnest(generate_series({{ start_date }}, {{ end_date }}, interval 1 day)) as day_value) as days
{%- endmacro %}

{% macro spark__day_series(start_date, end_date) -%}
    select explode(sequence({{ start_date }}, {{ end_date }}, interval 1 day)) as date_day
{%- endmacro %}


{# Whole days from `earlier` to `later`. #}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch('days_between', 'steelyard')(earlier, later)) }}
{%- endmacro %}

{% macro default__days_between(earlier, later) -%}
    ({{ later }} - {{ earlier }})
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}


{# Hours from the instant `earlier` to the instant `later`, with their fraction. #}
{% macro hours_between(earlier, later) -%}
    {{ return(adapter.dispatch('hours_between', 'steelyard')(earlier, later)) }}
{%- endmacro %}

{% macro default__hours_between(earlier, later) -%}
    ((epoch({{ later }}) - epoch({{ earlier }})) / 3600.0)
{%- endmacro %}

{% macro spark__hours_between(earlier, later) -%}
    ((cast({{ later }} as double) - cast({{ earlier }} as double)) / 3600.0)
{%- endmacro %}


{# `day` moved by `days`; both are SQL expressions. #}
{% macro add_days(day, days) -%}
    {{ return(adapter.dispatch('add_days', 'steelyard')(day, days)) }}
{%- endmacro %}

{% macro default__add_days(day, days) -%}
    ({{ day }} + cast({{ days }} as integer))
{%- endmacro %}

{% macro spark__add_days(day, days) -%}
    date_add({{ day }}, cast({{ days }} as int))
{%- endmacro %}


{# Days and parts of a day from the earlier to the later timestamp. #}
{% macro elapsed_days(earlier, later) -%}
    {{ return(adapter.dispatch('elapsed_days', 'steelyard')(earlier, later)) }}
{%- endmacro %}

{% macro default__elapsed_days(earlier, later) -%}
    ((epoch({{ later }}) - epoch({{ earlier }})) / 86400.0)
{%- endmacro %}

{% macro spark__elapsed_days(earlier, later) -%}
    ((unix_timestamp({{ later }}) - unix_timestamp({{ earlier }})) / 86400.0)
{%- endmacro %}


{# Weeks from Monday to Sunday, counted from the one of the first `first_column` of `relation`: the week of a shop that
   numbers none. #}
{% macro counted_week(day, relation, first_column) -%}
    cast(floor(({{ days_between(
        "cast(date_trunc('week', (select min(first_rows." ~ first_column ~ ") from " ~ relation ~ " as first_rows)) as date)", day
    ) }}) / 7.0) as integer) + 1
{%- endmacro %}
