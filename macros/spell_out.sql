{#- Lower case; a bracket cut off at the end of the raw field goes; known abbreviations become words. -#}
{% macro spell_out(expression) -%}
    {%- set spelled = namespace(sql=replace_pattern('lower(' ~ expression ~ ')', ' *\\([^)]*$', '')) -%}
    {%- for abbreviation, words in grocer_abbreviations() -%}
        {%- set spelled.sql = replace_pattern(spelled.sql, '\\b' ~ abbreviation ~ '\\b', words) -%}
    {%- endfor -%}
    {%- set spelled.sql = replace_pattern(spelled.sql, ' *& *', ' and ') -%}
    {%- set spelled.sql = replace_pattern(spelled.sql, ': *', ': ') -%}
    trim({{ replace_pattern(spelled.sql, '  +', ' ') }})
{%- endmacro %}
