{% macro try_to_cast(expression, type) -%}
    {{ return(adapter.dispatch('try_to_cast', 'shoal')(expression, type)) }}
{%- endmacro %}

{% macro default__try_to_cast(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}
