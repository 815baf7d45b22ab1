{#- Text as people read it: no markup, no invisible characters, single spaces; null where nothing is left. -#}
{% macro clean_text(expression) -%}
    {{ return(adapter.dispatch('clean_text', 'shoal')(expression)) }}
{%- endmacro %}

{#- What regular expressions alone can do: tags and spaces; entities and letters' forms stay as they are. -#}
{% macro default__clean_text(expression) -%}
    nullif(trim({{ replace_pattern(replace_pattern(expression, '<[a-zA-Z/][^<>]*>', ' '), '\\s+', ' ') }}), '')
{%- endmacro %}

{#- python_ml/privacy/clean.py, which dagster_defs/dbt_plugin.py makes known to dbt's sessions. -#}
{% macro duckdb__clean_text(expression) -%}
    shoal_clean_text({{ expression }})
{%- endmacro %}
