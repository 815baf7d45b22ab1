-- One row per day and pair of cohorts between which users moved.
with

cohort_memberships as (
    select
        user_id,
        cohort_id,
        cohort_name,
        valid_from,
        valid_to
    from {{ ref('cohort_memberships') }}
),

-- A user leaves one cohort and enters another on one day, or is new, or is no more.
moves as (
    select
        exits.cohort_id as from_cohort_id,
        exits.cohort_name as from_cohort_name,
        entries.cohort_id as to_cohort_id,
        entries.cohort_name as to_cohort_name,
        coalesce(entries.valid_from, exits.valid_to) as changed_on
    from cohort_memberships as entries
    full outer join cohort_memberships as exits
        on
            entries.user_id = exits.user_id
            and entries.valid_from = exits.valid_to
    where entries.user_id is not null or exits.valid_to is not null
),

moves_counted as (
    select
        from_cohort_id,
        from_cohort_name,
        to_cohort_id,
        to_cohort_name,
        count(*) as user_count,
        changed_on
    from moves
    group by
        from_cohort_id,
        from_cohort_name,
        to_cohort_id,
        to_cohort_name,
        changed_on
)

select * from moves_counted
