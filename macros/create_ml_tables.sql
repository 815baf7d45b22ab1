{#- Empty tables stand in until the Python steps have run, so that `dbt build` alone always works. -#}
{% macro create_ml_tables() -%}
    {%- if execute -%}
        {%- for node in graph.sources.values() if node.source_name in ['ml', 'landing'] -%}
            {%- set relation = api.Relation.create(node.database, node.schema, node.identifier) -%}
            {%- set columns = [] -%}
            {%- for column in node.columns.values() -%}
                {%- do columns.append(adapter.quote(column.name) ~ ' ' ~ column.data_type) -%}
            {%- endfor -%}
            {%- do run_query('create schema if not exists ' ~ relation.without_identifier()) -%}
            {%- do run_query('create table if not exists ' ~ relation ~ ' (' ~ columns | join(', ') ~ ')') -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
