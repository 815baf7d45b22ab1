{#- An entity of the shop contract, whatever source this project is run with. -#}
{% macro staging(entity) -%}
    {{ return(ref('stg_shop__' ~ entity)) }}
{%- endmacro %}
