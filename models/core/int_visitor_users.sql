-- One row per visitor behind whom one person is known, before and after they logged in.
{{ config(schema='intermediate') }}

with

identity_links as (
    select
        visitor_id,
        person_user_id
    from {{ ref('identity_links') }}
    where reason <> 'shared_device'
),

-- Two persons at one visitor, whose users are too many to be merged, leave its unknown acts unknown.
visitor_users as (
    select
        visitor_id,
        min(person_user_id) as person_user_id
    from identity_links
    group by visitor_id
    having min(person_user_id) = max(person_user_id)
)

select * from visitor_users
