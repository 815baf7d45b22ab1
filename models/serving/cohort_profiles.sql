-- One row per cohort and attribute: what sets the cohort apart.
with

cohort_profiles as (
    select
        cohort_id,
        attribute_name,
        cohort_name,
        attribute_type,
        attribute_label,
        model_version,
        user_count,
        user_share,
        sales_share,
        cohort_value,
        population_value,
        cohort_median,
        z_score,
        effect_size,
        lift,
        attribute_rank,
        as_of_date
    from {{ source('ml', 'cohort_profiles') }}
)

select * from cohort_profiles
