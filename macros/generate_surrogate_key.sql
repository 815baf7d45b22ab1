{#- A field becomes its length, a colon and its text, a null becomes '-': no two rows share a spelling. -#}
{% macro generate_surrogate_key(fields) -%}
    {%- set spelled = [] -%}
    {%- for field in fields -%}
        {%- set text = 'cast(' ~ field ~ ' as ' ~ dbt.type_string() ~ ')' -%}
        {%- set size = 'cast(' ~ dbt.length(text) | trim ~ ' as ' ~ dbt.type_string() ~ ')' -%}
        {%- do spelled.append('coalesce(' ~ dbt.concat([size, "':'", text]) | trim ~ ", '-')") -%}
    {%- endfor -%}
    {{ dbt.hash(dbt.concat(spelled)) }}
{%- endmacro %}
