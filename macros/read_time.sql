{#- ISO 8601 first, then the way American spreadsheets write it. -#}
{% macro read_time(text) -%}
    {{ return(adapter.dispatch('read_time', 'shoal')(text)) }}
{%- endmacro %}

{% macro default__read_time(text) -%}
    coalesce(
        {{ try_to_cast(text, dbt.type_timestamp()) }},
        cast(try_to_timestamp({{ text }}, 'M/d/yyyy H:mm') as {{ dbt.type_timestamp() }})
    )
{%- endmacro %}

{% macro duckdb__read_time(text) -%}
    coalesce(
        {{ try_to_cast(text, 'timestamp') }},
        try_strptime({{ text }}, '%m/%d/%Y %H:%M')
    )
{%- endmacro %}
