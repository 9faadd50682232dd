{# Passes when `expression` is true for every row; a NULL fails, so state NULLs on purpose. #}
{% test expression_is_true(model, expression) %}
    select 1 as failing_row
    from {{ model }}
    where not coalesce({{ expression }}, false)
{% endtest %}
