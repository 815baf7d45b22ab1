{#- The staging view of an entity, in the source this project is run with. -#}
{% macro staging(entity) -%}
    {{ return(ref('stg_' ~ var('source') ~ '__' ~ entity)) }}
{%- endmacro %}
