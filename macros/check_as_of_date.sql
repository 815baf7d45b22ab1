{#- Runs before anything is built, so that a date outside the data leaves the warehouse as it was. -#}
{% macro check_as_of_date() -%}
    {%- set as_of_date = var('as_of_date', none) -%}
    {%- if execute and as_of_date is not none -%}
        {%- set range_of_events = event_date_range() -%}
        {%- set allowed = [] -%}
        {%- for days in range(1, (range_of_events.after_last - range_of_events.first).days + 1) -%}
            {%- set day = range_of_events.first + modules.datetime.timedelta(days=days) -%}
            {%- do allowed.append(day.isoformat()) -%}
        {%- endfor -%}
        {%- if as_of_date | string not in allowed -%}
            {{ exceptions.raise_compiler_error(
                "as_of_date '" ~ as_of_date ~ "' is no date that the data in " ~ range_of_events.table
                ~ " allow. Choose one from " ~ allowed[0] ~ " (the day after the first event) to "
                ~ allowed[-1] ~ " (the day after the last event), written YYYY-MM-DD."
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
