-- One row per user with a learned cohort.
with

user_cohorts as (
    select
        user_id,
        cohort_id,
        cohort_name,
        cohort_method,
        likely_cohort_id,
        model_version,
        distance_to_centre,
        likely_cohort_probability,
        as_of_date
    from {{ source('ml', 'user_cohorts') }}
)

select * from user_cohorts
