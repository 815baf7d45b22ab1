{#- The raw table with a loaded_at_field is the one that logs events. -#}
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
    {%- set log = logs[0] -%}
    {%- set query -%}
        select
            cast(min({{ log.loaded_at_field }}) as date) as first_date,
            cast({{ dbt.dateadd('day', 1, 'max(' ~ log.loaded_at_field ~ ')') }} as date) as after_last_date
        from {{ source(log.source_name, log.name) }}
    {%- endset -%}
    {%- set row = run_query(query).rows[0] -%}
    {{ return({'table': log.source_name ~ '.' ~ log.name, 'first': row[0], 'after_last': row[1]}) }}
{%- endmacro %}
