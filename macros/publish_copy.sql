{% macro publish_copy(path) -%}
    {{ return(adapter.dispatch('publish_copy', 'shoal')(path)) }}
{%- endmacro %}

{% macro default__publish_copy(path) -%}
    {{ exceptions.raise_compiler_error(
        "publish_copy writes a DuckDB file and does not know the engine '" ~ target.type
        ~ "'. Let readers open the schemas core and serving of that warehouse instead."
    ) }}
{%- endmacro %}

{#- Storage version v1.0.0: the drivers of BI tools are older than the engine that builds. -#}
{% macro duckdb__publish_copy(path) -%}
    {%- set file = dbt.escape_single_quotes(path) -%}
    {%- set tables = run_query(published_tables_query()) -%}
    {%- do run_query("attach '" ~ file ~ "' as published (storage_version 'v1.0.0')") -%}
    {%- for schema_name, table_name in tables.rows -%}
        {%- set from_table = api.Relation.create(target.database, schema_name, table_name) -%}
        {%- set to_table = api.Relation.create('published', schema_name, table_name) -%}
        {%- do run_query('create schema if not exists ' ~ to_table.without_identifier()) -%}
        {%- do run_query('create table ' ~ to_table ~ ' as select * from ' ~ from_table) -%}
    {%- endfor -%}
    {%- do run_query('detach published') -%}
    {%- do log('Copied ' ~ tables.rows | length ~ ' tables to ' ~ path, info=true) -%}
{%- endmacro %}
