{#- Engines refuse to read files that are not there, so a table without any is written as a select of no row. -#}
{% macro optional_source(source_name, table_name) -%}
    {%- set relation = source(source_name, table_name) -%}
    {%- if not execute or raw_files_exist(relation) -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set node = graph.sources.values()
        | selectattr('source_name', 'equalto', source_name) | selectattr('name', 'equalto', table_name) | first -%}
    (
        select
            {%- for column in node.columns.values() %}
            cast(null as {{ column.data_type }}) as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
            {%- endfor %}
        where 1 = 0
    )
{%- endmacro %}

{% macro raw_files_exist(relation) -%}
    {{ return(adapter.dispatch('raw_files_exist', 'shoal')(relation)) }}
{%- endmacro %}

{#- Elsewhere raw data are tables, and a table is there. -#}
{% macro default__raw_files_exist(relation) -%}
    {{ return(true) }}
{%- endmacro %}

{#- The first text in quotes is where the files are: read_csv('<folder>/*.csv*', ...). -#}
{% macro duckdb__raw_files_exist(relation) -%}
    {%- set location = modules.re.search("'([^']+)'", relation | string).group(1) -%}
    {{ return(run_query("select count(*) from glob('" ~ location ~ "')").rows[0][0] > 0) }}
{%- endmacro %}
