{% macro json_text(columns) -%}
    {{ return(adapter.dispatch('json_text', 'shoal')(columns)) }}
{%- endmacro %}

{% macro default__json_text(columns) -%}
    cast(json_object(
        {%- for column in columns %}'{{ column }}' value {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    ) as {{ dbt.type_string() }})
{%- endmacro %}

{% macro duckdb__json_text(columns) -%}
    cast(json_object(
        {%- for column in columns %}'{{ column }}', {{ column }}{{ ', ' if not loop.last }}{% endfor -%}
    ) as varchar)
{%- endmacro %}
