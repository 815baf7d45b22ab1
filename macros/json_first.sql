{#- Text that is no JSON list is given back as it is. -#}
{% macro json_first(text) -%}
    {{ return(adapter.dispatch('json_first', 'shoal')(text)) }}
{%- endmacro %}

{% macro default__json_first(text) -%}
    case when {{ text }} like '[%' then element_at(from_json({{ text }}, 'array<string>'), 1) else {{ text }} end
{%- endmacro %}

{% macro duckdb__json_first(text) -%}
    case when {{ text }} like '[%' and json_valid({{ text }}) then from_json({{ text }}, '["varchar"]')[1] else {{ text }} end
{%- endmacro %}
