-- One row per user who ordered, was contacted, redeemed an offer or answered the survey.
with

surveyed_users as (
    select
        user_id,
        age_band,
        income_band,
        home_ownership,
        marital_status,
        household_size,
        household_composition,
        kids_count
    from {{ staging('users') }}
),

orders as (
    select
        user_id,
        ordered_at
    from {{ ref('orders') }}
),

campaign_contacts as (
    select
        user_id,
        contacted_date
    from {{ ref('campaign_contacts') }}
),

offer_redemptions as (
    select
        user_id,
        redeemed_date
    from {{ ref('offer_redemptions') }}
),

-- A redemption or a survey names a user without telling when the shop first saw them.
sightings as (
    select
        user_id,
        ordered_at,
        ordered_at as seen_at
    from orders
    union all
    select
        user_id,
        cast(null as timestamp) as ordered_at,
        cast(contacted_date as timestamp) as seen_at
    from campaign_contacts
    union all
    select
        user_id,
        cast(null as timestamp) as ordered_at,
        cast(null as timestamp) as seen_at
    from offer_redemptions
    union all
    select
        user_id,
        cast(null as timestamp) as ordered_at,
        cast(null as timestamp) as seen_at
    from surveyed_users
),

sightings_grouped_by_user as (
    select
        user_id,
        min(ordered_at) as first_order_at,
        min(seen_at) as first_seen_at
    from sightings
    group by user_id
),

users_joined_to_survey as (
    select
        sightings_grouped_by_user.user_id,
        surveyed_users.age_band,
        surveyed_users.income_band,
        surveyed_users.home_ownership,
        surveyed_users.marital_status,
        surveyed_users.household_size,
        surveyed_users.household_composition,
        surveyed_users.kids_count,
        surveyed_users.user_id is not null as has_demographics,
        sightings_grouped_by_user.first_order_at,
        sightings_grouped_by_user.first_seen_at
    from sightings_grouped_by_user
    left join surveyed_users on sightings_grouped_by_user.user_id = surveyed_users.user_id
)

select * from users_joined_to_survey
