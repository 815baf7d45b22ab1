{% macro capitalise(expression) -%}
    {{ dbt.concat(['upper(substring(' ~ expression ~ ', 1, 1))', 'substring(' ~ expression ~ ', 2)']) }}
{%- endmacro %}
