{#- Clean text without what is left of the page it was cut from: half a tag, a script, a style sheet. -#}
{% macro amazon_reviews_plain_text(text) -%}
    {%- set page_parts = '(?is)<(script|style)\\b.*$|^[^<]*/>|<[a-z!/][^<>]*$' -%}
    {%- set plain = replace_pattern(clean_text(text), page_parts, '') -%}
    {%- set style_sheet = "'%{%:%}%'" -%}
    case when {{ text }} not like {{ style_sheet }} then nullif(trim({{ plain }}), '') end
{%- endmacro %}
