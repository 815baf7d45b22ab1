-- One row per household that answered the demographic survey.
with

demographics as (
    select
        household_id,
        age,
        income,
        home_ownership,
        marital_status,
        household_size,
        household_comp,
        kids_count
    from {{ source('complete_journey', 'demographics') }}
),

renamed as (
    select
        cast(household_id as {{ dbt.type_string() }}) as user_id,
        age as age_band,
        income as income_band,
        home_ownership,
        marital_status,
        household_size,
        household_comp as household_composition,
        kids_count
    from demographics
)

select * from renamed
