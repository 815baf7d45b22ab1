{% macro published_tables_query() -%}
    select
        table_schema,
        table_name
    from information_schema.tables
    where
        table_catalog = '{{ dbt.escape_single_quotes(target.database) }}'
        and table_schema in ('core', 'serving')
        and table_type = 'BASE TABLE'
    order by
        table_schema,
        table_name
{%- endmacro %}
