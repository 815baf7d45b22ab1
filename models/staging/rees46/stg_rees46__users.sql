-- One row per user in the log; the log says nothing else of them.
with

log_rows as (
    select user_id
    from {{ ref('stg_rees46__log_rows') }}
    where user_id is not null
),

users as (
    select distinct user_id
    from log_rows
)

select * from users
