{#- Runs before anything is built: under another key, ids kept from before would match no id of today. -#}
{% macro check_pseudonym_key() -%}
    {%- if execute -%}
        {%- set known = api.Relation.create(database=target.database, schema='staging', identifier='pseudonym_key') -%}
        {%- do run_query('create schema if not exists ' ~ known.without_identifier()) -%}
        {%- do run_query('create table if not exists ' ~ known ~ ' (key_fingerprint ' ~ dbt.type_string() ~ ')') -%}
        {%- set before = run_query('select key_fingerprint from ' ~ known).columns[0].values() | list -%}
        {%- set now = run_query('select ' ~ pseudonym_key_fingerprint()).columns[0].values()[0] -%}
        {%- if before and before[0] != now and not builds_everything_anew() -%}
            {{ exceptions.raise_compiler_error(
                "The key that hashes ids is not the one that " ~ target.path ~ " was built with, so old and new ids "
                ~ "would be mixed. Give the old key back (SHOAL_PSEUDONYM_KEY, or var/pseudonym.key), or build all of it "
                ~ "anew: dbt build --full-refresh, without --select; or delete that file."
            ) }}
        {%- endif -%}
        {%- if before != [now] -%}
            {%- do run_query('delete from ' ~ known) -%}
            {%- do run_query('insert into ' ~ known ~ " values ('" ~ now ~ "')") -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- A full refresh of a part would leave the other tables with the old ids. -#}
{% macro builds_everything_anew() -%}
    {%- set left_out = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.unique_id not in selected_resources -%}
        {%- do left_out.append(node.name) -%}
    {%- endfor -%}
    {{ return(flags.FULL_REFRESH and not left_out) }}
{%- endmacro %}

{% macro pseudonym_key_fingerprint() -%}
    {{ return(adapter.dispatch('pseudonym_key_fingerprint', 'shoal')()) }}
{%- endmacro %}

{#- dagster_defs/dbt_plugin.py sets it. -#}
{% macro duckdb__pseudonym_key_fingerprint() -%}
    getvariable('shoal_key_fingerprint')
{%- endmacro %}
