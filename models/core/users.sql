-- One row per user the shop lists, or who ordered, sent back, acted, was contacted or redeemed an offer.
with

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
        country,
        location_id,
        language,
        acquisition_channel,
        coalesce(has_marketing_consent, false) as has_marketing_consent,
        coalesce(has_profiling_consent, false) as has_profiling_consent,
        signed_up_at
    from ({{ checked_rows('users') }}) as checked_users
    where reason_code is null
),

int_user_aliases as (
    select
        user_id,
        person_user_id
    from {{ ref('int_user_aliases') }}
),

-- Whoever refused under one account has refused under all.
consent_of_persons as (
    select
        coalesce(int_user_aliases.person_user_id, listed_users.user_id) as user_id,
        min(case when listed_users.has_marketing_consent then 1 else 0 end) = 1 as has_marketing_consent,
        min(case when listed_users.has_profiling_consent then 1 else 0 end) = 1 as has_profiling_consent
    from listed_users
    left join int_user_aliases on listed_users.user_id = int_user_aliases.user_id
    group by coalesce(int_user_aliases.person_user_id, listed_users.user_id)
),

-- Where the shop keeps consent at all, a user it does not list has given none.
consent_of_unlisted as (
    select
        coalesce(min(case when has_marketing_consent then 1 else 0 end), 1) = 1 as is_marketing_presumed,
        coalesce(min(case when has_profiling_consent then 1 else 0 end), 1) = 1 as is_profiling_presumed
    from listed_users
),

locations as (
    select
        location_id,
        country,
        country_code
    from {{ ref('locations') }}
),

country_names as (
    select
        name,
        country_code
    from {{ ref('country_names') }}
),

reviews as (
    select
        user_id,
        reviewed_at
    from {{ ref('reviews') }}
    where user_id is not null
),

support_messages as (
    select
        user_id,
        sent_at
    from {{ ref('support_messages') }}
    where user_id is not null
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
        reviewed_at as seen_at
    from reviews
    union all
    select
        user_id,
        cast(null as timestamp) as first_order_at,
        sent_at as seen_at
    from support_messages
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
        signed_up_at as seen_at
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
        coalesce(listed_users.country, locations.country) as country,
        coalesce(country_names.country_code, locations.country_code) as country_code,
        listed_users.location_id,
        listed_users.language,
        listed_users.acquisition_channel,
        listed_users.user_id is not null as is_listed,
        -- A user who turned out to be another keeps the list's word.
        coalesce(
            consent_of_persons.has_marketing_consent,
            listed_users.has_marketing_consent,
            consent_of_unlisted.is_marketing_presumed
        ) as has_marketing_consent,
        coalesce(
            consent_of_persons.has_profiling_consent,
            listed_users.has_profiling_consent,
            consent_of_unlisted.is_profiling_presumed
        ) as has_profiling_consent,
        listed_users.signed_up_at,
        sightings_grouped_by_user.first_order_at,
        sightings_grouped_by_user.first_seen_at
    from sightings_grouped_by_user
    left join listed_users on sightings_grouped_by_user.user_id = listed_users.user_id
    left join locations on listed_users.location_id = locations.location_id
    left join country_names on lower(listed_users.country) = country_names.name
    left join consent_of_persons on sightings_grouped_by_user.user_id = consent_of_persons.user_id
    cross join consent_of_unlisted
)

select * from users_joined_to_list
