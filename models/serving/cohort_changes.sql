-- One row per cohort and day it was looked at, with what became of it.
with

cohort_changes as (
    select
        cohort_id,
        cohort_name,
        cohort_method,
        cohort_change,
        other_cohort_id,
        user_count,
        common_user_count,
        overlap,
        changed_on
    from {{ source('ml', 'cohort_changes') }}
)

select * from cohort_changes
