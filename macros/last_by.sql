{% macro last_by(expression, order_by) -%}
    {{ return(adapter.dispatch('last_by', 'shoal')(expression, order_by)) }}
{%- endmacro %}

{% macro default__last_by(expression, order_by) -%}
    max_by({{ expression }}, {{ order_by }}) filter (where {{ expression }} is not null)
{%- endmacro %}

{#- This engine passes over rows whose value is null by itself. -#}
{% macro duckdb__last_by(expression, order_by) -%}
    arg_max({{ expression }}, {{ order_by }})
{%- endmacro %}
