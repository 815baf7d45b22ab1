{% macro shop_time(timestamp) -%}
    {{ return(adapter.dispatch('shop_time', 'shoal')(timestamp)) }}
{%- endmacro %}

{% macro default__shop_time(timestamp) -%}
    from_utc_timestamp({{ timestamp }}, '{{ var("shop_time_zone") }}')
{%- endmacro %}

{% macro duckdb__shop_time(timestamp) -%}
    {{ timestamp }} at time zone 'UTC' at time zone '{{ var("shop_time_zone") }}'
{%- endmacro %}
