{#- Free text with masks, such as "[email]", for what names a person. -#}
{% macro mask_personal(expression) -%}
    {{ return(adapter.dispatch('mask_personal', 'shoal')(expression)) }}
{%- endmacro %}

{#- An engine without its own spelling must stop here: there is no harmless way to leave text as it is. -#}
{% macro default__mask_personal(expression) -%}
    {{ exceptions.raise_compiler_error(
        "Free text cannot be masked on '" ~ target.type ~ "' yet. Write " ~ target.type ~ "__mask_personal in "
        ~ "macros/mask_personal.sql, with python_ml/privacy/mask.py as a function of that engine."
    ) }}
{%- endmacro %}

{#- python_ml/privacy/mask.py, which dagster_defs/dbt_plugin.py makes known to dbt's sessions. -#}
{% macro duckdb__mask_personal(expression) -%}
    shoal_mask_personal({{ expression }})
{%- endmacro %}
