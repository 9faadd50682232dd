{# Passes when `condition` is true for every row; a NULL condition fails, so state NULLs on purpose. #}
{% test holds(model, condition) %}
    select 1 as failing_row
    from {{ model }}
    where not coalesce({{ condition }}, false)
{% endtest %}
