{% test step_has_run(model, step) %}
{{ config(severity='warn') }}

-- Step: {{ step }}
select '{{ step }}' as step_to_run
where not exists (select 1 from {{ model }})

{% endtest %}
