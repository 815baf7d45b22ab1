-- One row per staged identity, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

identities as (
    select
        visitor_id,
        user_id,
        link_type,
        linked_at
    from {{ staging('identities') }}
),

identities_checked as (
    select
        visitor_id,
        user_id,
        link_type,
        linked_at,
        case
            when linked_at is null then 'unreadable_time'
            when linked_at < cast('1900-01-01' as timestamp) then 'implausible_time'
            when linked_at >= {{ future_begins_at() }} then 'future_time'
            when user_id is null then 'missing_user'
            when visitor_id is null then 'missing_visitor'
        end as reason_code
    from identities
)

select * from identities_checked
