{#- The raw tables with a loaded_at_field are those that log events. -#}
{% macro event_date_range() -%}
    {%- set logs = [] -%}
    {%- for node in graph.sources.values() if node.source_name == var('source') and node.loaded_at_field -%}
        {%- do logs.append(node) -%}
    {%- endfor -%}
    {%- if not logs -%}
        {{ exceptions.raise_compiler_error(
            "No table of source '" ~ var('source') ~ "' has a loaded_at_field. Name the column with the time "
            ~ "of each event in that source's YAML."
        ) }}
    {%- endif -%}
    {%- set query -%}
        select
            min(first_date) as first_date,
            max(after_last_date) as after_last_date
        from (
            {%- for log in logs %}
            select
                cast(min({{ log.loaded_at_field }}) as date) as first_date,
                cast({{ dbt.dateadd('day', 1, 'max(' ~ log.loaded_at_field ~ ')') }} as date) as after_last_date
            from {{ optional_source(log.source_name, log.name) }} as {{ log.name }}
            {{ 'union all' if not loop.last }}
            {%- endfor %}
        ) as logs
    {%- endset -%}
    {%- set row = run_query(query).rows[0] -%}
    {%- set names = logs | map(attribute='name') | join(', ') -%}
    {{ return({'table': var('source') ~ '.' ~ names, 'first': row[0], 'after_last': row[1]}) }}
{%- endmacro %}
