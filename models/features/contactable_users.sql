-- One row per user with features who agreed to marketing.
with

user_features as (
    select
        user_id,
        as_of_date
    from {{ ref('user_features') }}
),

users as (
    select user_id
    from {{ ref('users') }}
    where has_marketing_consent
),

users_contactable as (
    select
        user_features.user_id,
        user_features.as_of_date
    from user_features
    inner join users on user_features.user_id = users.user_id
)

select * from users_contactable
