{#- Week 1 is the one Sunday of 2017-01-01; from week 2 (2017-01-02) on, weeks begin on Mondays. -#}
{% macro complete_journey_week_start(week) -%}
    {{ add_days("cast('2016-12-26' as date)", 'cast(7 * (' ~ week ~ ' - 1) as integer)') }}
{%- endmacro %}
