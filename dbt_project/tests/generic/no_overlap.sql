{# Passes when no two ranges [valid_from, valid_to) of a key share a day: an as-of join then finds one version at most. #}
{% test no_overlap(model, columns) %}
    with ordered as (
        select
            {{ columns | join(', ') }},
            valid_from,
            valid_to,
            lead(valid_from) over (partition by {{ columns | join(', ') }} order by valid_from, valid_to) as next_from
        from {{ model }}
    )

    select * from ordered where next_from < valid_to
{% endtest %}
