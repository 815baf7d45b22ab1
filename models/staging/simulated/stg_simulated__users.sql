-- One row per account, without its personal columns.
with

users as (
    select
        user_id,
        location_id,
        country,
        language,
        age_band,
        income_band,
        household_size,
        acquisition_channel,
        marketing_consent,
        profiling_consent,
        signed_up_at
    from {{ source('simulated', 'users') }}
),

accounts_typed as (
    select
        user_id,
        age_band,
        income_band,
        household_size,
        country,
        location_id,
        language,
        acquisition_channel,
        marketing_consent = 'yes' as has_marketing_consent,
        profiling_consent = 'yes' as has_profiling_consent,
        {{ read_time('signed_up_at') }} as signed_up_at
    from users
)

select * from accounts_typed
