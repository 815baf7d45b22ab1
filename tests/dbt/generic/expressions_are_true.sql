{% test expressions_are_true(model, expressions) %}

-- One pass over the table checks all rules; a failing row is returned once for each rule it breaks.
with

checked as (
    select *
    from {{ model }}
    where
        {%- for rule in expressions %}
        {{ 'or ' if not loop.first }}not ({{ rule }})
        {%- endfor %}
)

{% for rule in expressions %}
select
    '{{ dbt.escape_single_quotes(rule) }}' as broken_rule,
    checked.*
from checked
where not ({{ rule }})
{{ 'union all' if not loop.last }}
{% endfor %}

{% endtest %}
