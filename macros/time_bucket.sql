{#- Two times in one bucket are less than its width apart. -#}
{% macro time_bucket(timestamp, seconds) -%}
    cast(floor(
        {{ dbt.datediff("cast('1970-01-01' as " ~ dbt.type_timestamp() ~ ")", timestamp, 'second') }} / {{ seconds }}
    ) as bigint)
{%- endmacro %}
