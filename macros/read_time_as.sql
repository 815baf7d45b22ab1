{#-
    A time in a format that read_time does not know: %Y, %m, %d, %H, %M and %S as strptime writes them, or
    unix_seconds, or unix_milliseconds.
-#}
{% macro read_time_as(text, format) -%}
    {%- if format in ('unix_seconds', 'unix_milliseconds') -%}
        {%- set number = try_to_cast(text, 'bigint') -%}
        {{ return(adapter.dispatch('time_of_unix', 'shoal')(number ~ (' * 1000' if format == 'unix_seconds' else ''))) }}
    {%- endif -%}
    {{ return(adapter.dispatch('read_time_as', 'shoal')(text, format)) }}
{%- endmacro %}

{% macro default__read_time_as(text, format) -%}
    {%- set letters = {'%Y': 'yyyy', '%m': 'M', '%d': 'd', '%H': 'H', '%M': 'mm', '%S': 'ss', '%y': 'yy'} -%}
    {%- set spelled = namespace(format=format) -%}
    {%- for sign, letter in letters.items() -%}
        {%- set spelled.format = spelled.format | replace(sign, letter) -%}
    {%- endfor -%}
    cast(try_to_timestamp({{ text }}, '{{ spelled.format }}') as {{ dbt.type_timestamp() }})
{%- endmacro %}

{% macro duckdb__read_time_as(text, format) -%}
    try_strptime({{ text }}, '{{ format }}')
{%- endmacro %}

{#- What lies outside the years 1 to 9999 is no time. -#}
{% macro default__time_of_unix(milliseconds) -%}
    case when {{ milliseconds }} between -62135596800000 and 253402300799999 then timestamp_millis({{ milliseconds }}) end
{%- endmacro %}

{% macro duckdb__time_of_unix(milliseconds) -%}
    case when {{ milliseconds }} between -62135596800000 and 253402300799999 then epoch_ms({{ milliseconds }}) end
{%- endmacro %}
