{#- Fields of another type than named are null, and so are all fields of what is no JSON object: it never fails. -#}
{% macro json_record(text, fields) -%}
    {{ return(adapter.dispatch('json_record', 'shoal')(text, fields)) }}
{%- endmacro %}

{% macro default__json_record(text, fields) -%}
    from_json({{ text }}, '
        {%- for name, type in fields.items() %}{{ name }} {{ 'string' if type == 'varchar' else type }}
        {{- ', ' if not loop.last }}{% endfor -%}
    ')
{%- endmacro %}

{% macro duckdb__json_record(text, fields) -%}
    from_json(case when json_valid({{ text }}) then {{ text }} end, '{{ tojson(fields) }}')
{%- endmacro %}
