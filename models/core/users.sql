-- One row per user the shop lists, or who ordered, sent back, acted, was contacted or redeemed an offer.
with

users_numbered as (
    {{ numbered_by_key('users', ['user_id']) }}
),

listed_users as (
    select
        user_id,
        age_band,
        income_band,
        home_ownership,
        marital_status,
        household_size,
        household_composition,
        kids_count,
        country
    from users_numbered
    where copy_number = 1 and user_id is not null
),

events as (
    select
        user_id,
        event_type,
        occurred_at
    from {{ ref('events') }}
    where user_id is not null
),

events_grouped_by_user as (
    select
        user_id,
        min(case when event_type = 'purchase' then occurred_at end) as first_order_at,
        min(occurred_at) as first_event_at
    from events
    group by user_id
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

-- A redemption or a list names a user without telling when the shop first saw them.
sightings as (
    select
        user_id,
        first_order_at,
        first_event_at as seen_at
    from events_grouped_by_user
    union all
    select
        user_id,
        cast(null as timestamp) as first_order_at,
        cast(contacted_date as timestamp) as seen_at
    from campaign_contacts
    union all
    select
        user_id,
        cast(null as timestamp) as first_order_at,
        cast(null as timestamp) as seen_at
    from offer_redemptions
    union all
    select
        user_id,
        cast(null as timestamp) as first_order_at,
        cast(null as timestamp) as seen_at
    from listed_users
),

sightings_grouped_by_user as (
    select
        user_id,
        min(first_order_at) as first_order_at,
        min(seen_at) as first_seen_at
    from sightings
    group by user_id
),

users_joined_to_list as (
    select
        sightings_grouped_by_user.user_id,
        listed_users.age_band,
        listed_users.income_band,
        listed_users.home_ownership,
        listed_users.marital_status,
        listed_users.household_size,
        listed_users.household_composition,
        listed_users.kids_count,
        listed_users.country,
        listed_users.user_id is not null as is_listed,
        sightings_grouped_by_user.first_order_at,
        sightings_grouped_by_user.first_seen_at
    from sightings_grouped_by_user
    left join listed_users on sightings_grouped_by_user.user_id = listed_users.user_id
)

select * from users_joined_to_list
