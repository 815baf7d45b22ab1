{% test pseudonyms_are_hashed(model) %}

{#- One pass for all columns that the shop contract marks as pseudonyms; null passes. -#}
{%- set marked = [] -%}
{%- for node in (graph.nodes if execute else {}).values() if node.resource_type == 'model' and node.name == model.identifier -%}
    {%- for column in node.columns.values() if column.config.meta.get('pseudonym') -%}
        {%- do marked.append(column.name) -%}
    {%- endfor -%}
{%- endfor -%}
select {{ marked | join(', ') if marked else '1 as none' }}
from {{ model }}
where
    {%- for name in marked %}
    {#- Named once each, because a view computes the hash anew for every time its column is named. #}
    {{ 'or ' if not loop.first }}{{ replace_pattern(name, '^[0-9a-f]{32}$', 'is hashed') }} <> 'is hashed'
    {%- else %}
    1 = 0
    {%- endfor %}

{% endtest %}
