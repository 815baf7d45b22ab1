-- One row per user who may be profiled and whose age band begins with an age.
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
        age_band
    from {{ ref('users') }}
),

-- "25-34" and "25 to 34" begin with the least age, "65+" too; "under 18" does not, and says nothing.
ages_read as (
    select
        users.user_id,
        {{ try_to_cast(replace_pattern('trim(users.age_band)', '[^0-9].*$', ''), 'integer') }} as at_least_age,
        as_of_dates.as_of_date
    from users
    inner join int_users_profiled on users.user_id = int_users_profiled.user_id
    inner join as_of_dates on int_users_profiled.first_seen_at < as_of_dates.as_of_date
),

ages_known as (
    select
        user_id,
        at_least_age,
        as_of_date
    from ages_read
    where at_least_age between 1 and 120
)

select * from ages_known
