{% macro iso_weekday(timestamp) -%}
    {{ return(adapter.dispatch('iso_weekday', 'shoal')(timestamp)) }}
{%- endmacro %}

{% macro default__iso_weekday(timestamp) -%}
    (weekday({{ timestamp }}) + 1)
{%- endmacro %}

{% macro duckdb__iso_weekday(timestamp) -%}
    extract(isodow from {{ timestamp }})
{%- endmacro %}
