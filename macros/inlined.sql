{#- Asks an engine that would write a CTE down first to compute it where it is read, for one too wide to be kept. -#}
{% macro inlined() -%}
    {{ return(adapter.dispatch('inlined', 'shoal')()) }}
{%- endmacro %}

{% macro default__inlined() -%}
{%- endmacro %}

{% macro duckdb__inlined() -%}
    not materialized
{%- endmacro %}
