{#- Tags, whole or cut off, go; the entities met become their characters; scripts and style sheets leave nothing. -#}
{% macro amazon_reviews_plain_text(text) -%}
    {%- set without_scripts = replace_pattern(text, '(?is)<(script|style).*?(</(script|style)>|$)', ' ') -%}
    {%- set without_tags = replace_pattern(without_scripts, '(?s)^[^<]*/>|</?[a-zA-Z!][^>]*(>|$)', ' ') -%}
    {%- set plain = namespace(text=without_tags) -%}
    {%- for entity, character in [
        ('&quot;', '"'), ('&#34;', '"'), ('&#39;', "''"), ('&#x27;', "''"), ('&apos;', "''"), ('&lt;', '<'),
        ('&gt;', '>'), ('&nbsp;', ' '), ('&#xA0;', ' '), ('&#xFFFD;', ''), ('&lsquo;', '‘'), ('&rsquo;', '’'),
        ('&#x2019;', '’'), ('&#x92;', '’'), ('&ldquo;', '“'), ('&#x201C;', '“'), ('&rdquo;', '”'), ('&#x201D;', '”'),
        ('&ndash;', '–'), ('&#x2013;', '–'), ('&mdash;', '—'), ('&#x2014;', '—'), ('&#x97;', '—'), ('&hellip;', '…'),
        ('&#x2026;', '…'), ('&bull;', '•'), ('&eacute;', 'é'), ('&#xE9;', 'é'), ('&ntilde;', 'ñ'), ('&amp;', '&')
    ] -%}
    {%- set plain.text = "replace(" ~ plain.text ~ ", '" ~ entity ~ "', '" ~ character ~ "')" -%}
    {%- endfor -%}
    {%- set one_line = "trim(" ~ replace_pattern(plain.text, '\\s+', ' ') ~ ")" -%}
    case when {{ text }} not like {{ "'%{%:%}%'" }} then nullif({{ one_line }}, '') end
{%- endmacro %}
