{#- A fact of the run, not of the query: a run over midnight judges all rows alike. -#}
{% macro future_begins_at() -%}
    {%- set latest = var('latest_event_date', none) -%}
    {%- if latest is none -%}
        {%- set first_day = run_started_at.date() + modules.datetime.timedelta(days=2) -%}
    {%- else -%}
        {%- set first_day = modules.datetime.date.fromisoformat(latest | string) + modules.datetime.timedelta(days=1) -%}
    {%- endif -%}
    cast('{{ first_day.isoformat() }}' as timestamp)
{%- endmacro %}
