-- One row per user who may be profiled, first seen before the as-of date: what the shop knows of the person.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

int_users_profiled as (
    select
        user_id,
        first_seen_at
    from {{ ref('int_users_profiled') }}
),

users as (
    select
        user_id,
        location_id,
        country,
        language,
        acquisition_channel,
        age_band,
        income_band,
        home_ownership,
        marital_status,
        household_size,
        household_composition,
        kids_count
    from {{ ref('users') }}
),

-- Of the place no more than this: a postal code or a point could tell who somebody is.
locations as (
    select
        location_id,
        region
    from {{ ref('locations') }}
),

users_known as (
    select
        int_users_profiled.user_id,
        as_of_dates.as_of_date
    from int_users_profiled
    inner join as_of_dates on int_users_profiled.first_seen_at < as_of_dates.as_of_date
),

-- A field left blank is not known.
users_described as (
    select
        users_known.user_id,
        nullif(trim(users.country), '') as country,
        nullif(trim(locations.region), '') as region,
        {% for attribute in [
            'language', 'acquisition_channel', 'age_band', 'income_band', 'home_ownership', 'marital_status',
            'household_size', 'household_composition', 'kids_count'
        ] %}
            nullif(trim(users.{{ attribute }}), '') as {{ attribute }},
        {% endfor %}
        users_known.as_of_date
    from users_known
    inner join users on users_known.user_id = users.user_id
    left join locations on users.location_id = locations.location_id
)

select * from users_described
