-- One row per cohort there ever was, with the name it has now or had last.
{{ config(schema='intermediate', contract={'enforced': false}) }}

with

cohort_changes as (
    select
        cohort_id,
        cohort_name,
        changed_on
    from {{ ref('cohort_changes') }}
),

-- Nobody may be in the cohort today, so its last name is not in user_cohorts.
cohorts_named as (
    select
        cohort_id,
        max_by(cohort_name, changed_on) as cohort_name
    from cohort_changes
    group by cohort_id
)

select * from cohorts_named
