-- One row per user who may be profiled.
{{ config(materialized='view', contract={'enforced': false}) }}

with

users as (
    select
        user_id,
        first_seen_at
    from {{ ref('users') }}
    where has_profiling_consent
)

select * from users
