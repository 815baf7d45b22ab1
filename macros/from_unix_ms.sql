{#- Years 1 to 9999; what lies outside is no time. -#}
{% macro from_unix_ms(milliseconds) -%}
    {{ return(adapter.dispatch('from_unix_ms', 'shoal')(milliseconds)) }}
{%- endmacro %}

{% macro default__from_unix_ms(milliseconds) -%}
    case
        when {{ milliseconds }} between -62135596800000 and 253402300799999
            then timestamp_millis(cast({{ milliseconds }} as bigint))
    end
{%- endmacro %}

{% macro duckdb__from_unix_ms(milliseconds) -%}
    case
        when {{ milliseconds }} between -62135596800000 and 253402300799999
            then epoch_ms(cast({{ milliseconds }} as bigint))
    end
{%- endmacro %}
