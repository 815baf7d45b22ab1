-- One row per visitor, user and day on which events carried both.
{{ config(
    schema='intermediate',
    materialized='incremental',
    incremental_strategy='replace_window',
    meta={'window_column': 'linked_date'}
) }}

with

int_events_checked as (
    select
        visitor_id,
        user_id,
        occurred_at
    from {{ ref('int_events_checked') }}
    where
        reason_code is null
        and visitor_id is not null
        and user_id is not null
        and {{ in_window('cast(occurred_at as date)', known_as='linked_date') }}
),

links_counted as (
    select
        visitor_id,
        user_id,
        count(*) as link_count,
        cast(occurred_at as date) as linked_date,
        min(occurred_at) as first_linked_at,
        max(occurred_at) as last_linked_at
    from int_events_checked
    group by
        visitor_id,
        user_id,
        cast(occurred_at as date)
)

select * from links_counted
