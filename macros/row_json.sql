{% macro row_json(relation) -%}
    {{ return(adapter.dispatch('row_json', 'shoal')(relation)) }}
{%- endmacro %}

{% macro default__row_json(relation) -%}
    to_json(struct({{ relation }}.*))
{%- endmacro %}

{% macro duckdb__row_json(relation) -%}
    cast(to_json({{ relation }}) as varchar)
{%- endmacro %}
