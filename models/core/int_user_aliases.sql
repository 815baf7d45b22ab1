-- One row per user who is the same person as an earlier user; everybody else is their own person.
{{ config(schema='intermediate') }}

with

int_users_connected as (
    select
        user_id,
        person_user_id
    from {{ ref('int_users_connected') }}
    where user_id <> person_user_id
)

select * from int_users_connected
