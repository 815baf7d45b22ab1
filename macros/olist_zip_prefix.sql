{#- Some editions keep the prefix as a number and lost its leading zeros; more than five digits are cut. -#}
{% macro olist_zip_prefix(text) -%}
    lpad(nullif(trim({{ text }}), ''), 5, '0')
{%- endmacro %}
