{#- The settings that incremental sessions stand on, as a text literal: other settings make another table. -#}
{% macro session_settings() -%}
    '{{ var("session_gap_minutes") }} {{ var("bot_visit_events") }} {{ var("bot_events_per_minute") }} {{ var("bot_burst_events") }}'
{%- endmacro %}
