{#- Tags, whole or cut off, go; entities become their characters; scripts and style sheets leave nothing. -#}
{% macro amazon_reviews_plain_text(text) -%}
    {%- set without_scripts = replace_pattern(text, '(?is)<(script|style).*?(</(script|style)>|$)', ' ') -%}
    {%- set without_tags = replace_pattern(without_scripts, '(?s)^[^<]*/>|</?[a-zA-Z!][^>]*(>|$)', ' ') -%}
    {%- set plain = namespace(text=without_tags) -%}
    {%- for entity, character in [
        ('&quot;', '"'), ('&#34;', '"'), ('&#39;', "''"), ('&apos;', "''"), ('&lt;', '<'), ('&gt;', '>'),
        ('&nbsp;', ' '), ('&amp;', '&')
    ] -%}
        {%- set plain.text = "replace(" ~ plain.text ~ ", '" ~ entity ~ "', '" ~ character ~ "')" -%}
    {%- endfor -%}
    {%- set one_line = "trim(" ~ replace_pattern(plain.text, '\\s+', ' ') ~ ")" -%}
    case when {{ text }} not like {{ "'%{%:%}%'" }} then nullif({{ one_line }}, '') end
{%- endmacro %}
