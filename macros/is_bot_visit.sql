{#- No person acts once a second for long, nor a thousand times without a pause. -#}
{% macro is_bot_visit(event_count, started_at, ended_at) -%}
    (
        {{ event_count }} > {{ var('bot_visit_events') }}
        or (
            {{ event_count }} >= {{ var('bot_burst_events') }}
            and 60 * {{ event_count }}
            > {{ var('bot_events_per_minute') }} * {{ dbt.datediff(started_at, ended_at, 'second') }}
        )
    )
{%- endmacro %}
