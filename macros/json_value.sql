{#- Null where the text is no JSON or has nothing there; a list or an object comes as its JSON text. -#}
{% macro json_value(text, path) -%}
    {{ return(adapter.dispatch('json_value', 'shoal')(text, path)) }}
{%- endmacro %}

{% macro default__json_value(text, path) -%}
    get_json_object({{ text }}, '{{ path }}')
{%- endmacro %}

{% macro duckdb__json_value(text, path) -%}
    case when json_valid({{ text }}) then {{ text }} ->> '{{ path }}' end
{%- endmacro %}
