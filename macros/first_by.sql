{% macro first_by(expression, order_by) -%}
    {{ return(adapter.dispatch('first_by', 'shoal')(expression, order_by)) }}
{%- endmacro %}

{% macro default__first_by(expression, order_by) -%}
    min_by({{ expression }}, {{ order_by }}) filter (where {{ expression }} is not null)
{%- endmacro %}

{#- This engine passes over rows whose value is null by itself. -#}
{% macro duckdb__first_by(expression, order_by) -%}
    arg_min({{ expression }}, {{ order_by }})
{%- endmacro %}
