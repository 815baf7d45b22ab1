{#- What dbt_project.yml says of the active source: its tables, currency and clock. -#}
{% macro shop_adapter() -%}
    {%- set adapters = var('adapters') -%}
    {%- if var('source') not in adapters -%}
        {{ exceptions.raise_compiler_error(
            "Unknown source '" ~ var('source') ~ "'. Use one of " ~ adapters | join(', ')
            ~ ", or add yours under vars: adapters: in dbt_project.yml."
        ) }}
    {%- endif -%}
    {{ return(adapters[var('source')]) }}
{%- endmacro %}
