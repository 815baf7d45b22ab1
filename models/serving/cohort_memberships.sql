-- One row per user and stay in a cohort.
with

cohort_membership_log as (
    select
        user_id,
        cohort_id,
        membership_change,
        changed_on
    from {{ source('ml', 'cohort_membership_log') }}
),

int_cohorts_named as (
    select
        cohort_id,
        cohort_name
    from {{ ref('int_cohorts_named') }}
),

-- What follows an entry, of the same user and cohort, is the exit.
entries_ended as (
    select
        user_id,
        cohort_id,
        membership_change,
        changed_on as valid_from,
        lead(changed_on) over (
            partition by user_id, cohort_id
            order by changed_on
        ) as valid_to
    from cohort_membership_log
),

entries_named as (
    select
        entries_ended.user_id,
        entries_ended.cohort_id,
        int_cohorts_named.cohort_name,
        entries_ended.valid_to is null as is_current,
        entries_ended.valid_from,
        entries_ended.valid_to
    from entries_ended
    left join int_cohorts_named on entries_ended.cohort_id = int_cohorts_named.cohort_id
    where entries_ended.membership_change = 'enter'
)

select * from entries_named
