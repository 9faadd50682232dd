{# Key of the product-dimension row that stands for a whole category: facts at category grain join the same dimension. #}
{% macro category_key(category) -%}
    'category:' || {{ category }}
{%- endmacro %}


{# Key of a registered model version. #}
{% macro model_version_key(model_name, model_version) -%}
    {{ model_name }} || ' ' || coalesce({{ model_version }}, '')
{%- endmacro %}
