{% test pseudonyms_are_hashed(model) %}

{#- One pass for all columns that the shop contract marks as pseudonyms; null passes. -#}
{%- set marked = [] -%}
{%- for node in (graph.nodes if execute else {}).values() if node.resource_type == 'model' and node.name == model.identifier -%}
    {%- for column in node.columns.values() if column.config.meta.get('pseudonym') -%}
        {%- do marked.append(column.name) -%}
    {%- endfor -%}
{%- endfor -%}
{%- set are_hashed = [] -%}
{%- for name in marked -%}
    {%- set rest = replace_pattern(name, '[0-9a-f]', '') -%}
    {%- do are_hashed.append('(' ~ name ~ ' is null or (length(' ~ name ~ ') = 32 and ' ~ rest ~ " = ''))") -%}
{%- endfor -%}
select {{ marked | join(', ') if marked else '1 as none' }}
from {{ model }}
where not ({{ are_hashed | join(' and ') if marked else 'true' }})

{% endtest %}
