{% macro shop_time(timestamp) -%}
    {{ return(adapter.dispatch('shop_time', 'shoal')(timestamp)) }}
{%- endmacro %}

{% macro default__shop_time(timestamp) -%}
    from_utc_timestamp({{ timestamp }}, '{{ shop_adapter().time_zone }}')
{%- endmacro %}

{% macro duckdb__shop_time(timestamp) -%}
    {{ timestamp }} at time zone 'UTC' at time zone '{{ shop_adapter().time_zone }}'
{%- endmacro %}
