-- One row per feature or cohort: how far today's users are from those the cohorts were fitted on.
with

cohort_drift as (
    select
        subject_type,
        subject_name,
        population_stability_index,
        wasserstein_distance,
        reference_value,
        current_value,
        is_drifted,
        reason,
        model_version,
        as_of_date
    from {{ source('ml', 'cohort_drift') }}
),

int_cohorts_named as (
    select
        cohort_id,
        cohort_name
    from {{ ref('int_cohorts_named') }}
),

drift_named as (
    select
        cohort_drift.subject_type,
        cohort_drift.subject_name,
        int_cohorts_named.cohort_name,
        cohort_drift.reason,
        cohort_drift.model_version,
        cohort_drift.population_stability_index,
        cohort_drift.wasserstein_distance,
        cohort_drift.reference_value,
        cohort_drift.current_value,
        cohort_drift.is_drifted,
        cohort_drift.as_of_date
    from cohort_drift
    left join int_cohorts_named
        on
            cohort_drift.subject_type = 'cohort'
            and cohort_drift.subject_name = int_cohorts_named.cohort_id
)

select * from drift_named
