{% test never_null(model, columns) %}

-- One pass for all columns; the failing rows show the key columns that are there.
select {{ columns | join(', ') }}
from {{ model }}
where
    {%- for column in columns %}
    {{ 'or ' if not loop.first }}{{ column }} is null
    {%- endfor %}

{% endtest %}
