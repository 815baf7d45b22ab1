{#-
    Warns where the step has left its table empty. A step that reads `input` has nothing to write where that is empty;
    a table that may have no row shows by the one `beside` it, written in the same transaction, that its step has run.
-#}
{% test step_has_run(model, step, input=none, beside=none) %}
{{ config(severity='warn') }}

-- Step: {{ step }}
select '{{ step }}' as step_to_run
where
    not exists (select 1 from {{ model }})
    {%- if input is not none %}
    and exists (select 1 from {{ input }})
    {%- endif %}
    {%- if beside is not none %}
    and not exists (select 1 from {{ beside }})
    {%- endif %}

{% endtest %}
