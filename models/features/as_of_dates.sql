-- One row: the date all features are taken at, with the range of events they see.
with

events as (
    select occurred_at
    from {{ ref('events') }}
),

as_of_date_chosen as (
    select
        {% if var('as_of_date', none) is none %}
            cast({{ dbt.dateadd('day', 1, 'cast(max(occurred_at) as date)') }} as date) as as_of_date
        {% else %}
            max(cast('{{ var("as_of_date") }}' as date)) as as_of_date
        {% endif %}
    from events
),

events_before_as_of_date as (
    select
        as_of_date_chosen.as_of_date,
        min(events.occurred_at) as first_event_at,
        max(events.occurred_at) as last_event_at
    from as_of_date_chosen
    left join events on as_of_date_chosen.as_of_date > events.occurred_at
    group by as_of_date_chosen.as_of_date
)

select * from events_before_as_of_date
