-- One row per time a visitor turned out to be a user.
with

logins as (
    select
        visitor_id,
        user_id,
        link_type,
        linked_at
    from {{ source('simulated', 'logins') }}
),

renamed as (
    select
        visitor_id,
        user_id,
        link_type,
        linked_at
    from logins
)

select * from renamed
