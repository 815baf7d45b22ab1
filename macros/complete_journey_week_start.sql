{#-
    Week 1 is the one Sunday of 2017-01-01; from week 2 (2017-01-02) on, weeks begin on Mondays. The year has 53 of them:
    another number is none, and null.
-#}
{% macro complete_journey_week_start(week) -%}
    case
        when {{ week }} between 1 and 53
            then {{ add_days("cast('2016-12-26' as date)", 'cast(7 * (' ~ week ~ ' - 1) as integer)') }}
    end
{%- endmacro %}
