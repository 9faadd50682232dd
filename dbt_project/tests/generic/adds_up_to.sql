{# Passes when each of `columns` adds up to the same total in the model and in `fact`, day by day, both ways. #}
{% test adds_up_to(model, fact, columns) %}
    {% set totals %}{% for column in columns %}, sum({{ column }}) as {{ column }}{% endfor %}{% endset %}
    (
        select date_day{{ totals }} from {{ model }} group by date_day
        except
        select date_day{{ totals }} from {{ fact }} group by date_day
    )
    union all
    (
        select date_day{{ totals }} from {{ fact }} group by date_day
        except
        select date_day{{ totals }} from {{ model }} group by date_day
    )
{% endtest %}
