{% macro to_utc(timestamp) -%}
    {{ return(adapter.dispatch('to_utc', 'shoal')(timestamp)) }}
{%- endmacro %}

{% macro default__to_utc(timestamp) -%}
    to_utc_timestamp({{ timestamp }}, '{{ shop_adapter().time_zone }}')
{%- endmacro %}

{#- The first and the last hours that a timestamp can hold have no counterpart in UTC: null, as any time that is none. -#}
{% macro duckdb__to_utc(timestamp) -%}
    try({{ timestamp }} at time zone '{{ shop_adapter().time_zone }}' at time zone 'UTC')
{%- endmacro %}
