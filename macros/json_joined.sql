{#- Text that is no JSON list is given back as it is. -#}
{% macro json_joined(text, separator) -%}
    {{ return(adapter.dispatch('json_joined', 'shoal')(text, separator)) }}
{%- endmacro %}

{% macro default__json_joined(text, separator) -%}
    coalesce(array_join(from_json({{ text }}, 'array<string>'), '{{ separator }}'), {{ text }})
{%- endmacro %}

{% macro duckdb__json_joined(text, separator) -%}
    coalesce(
        array_to_string(
            from_json(case when json_valid({{ text }}) then {{ text }} end, '["varchar"]'), '{{ separator }}'
        ), {{ text }}
    )
{%- endmacro %}
