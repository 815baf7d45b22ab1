{#- The Monday of a moment's week, as ISO 8601 counts weeks. -#}
{% macro week_start(timestamp) -%}
    {{ add_days('cast(' ~ timestamp ~ ' as date)', 'cast(1 - ' ~ iso_weekday(timestamp) ~ ' as integer)') }}
{%- endmacro %}
