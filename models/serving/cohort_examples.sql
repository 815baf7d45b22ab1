-- One row per cohort and rank: the users who are most like the cohort as a whole.
with

user_cohorts as (
    select
        user_id,
        cohort_id,
        cohort_name,
        distance_to_centre,
        as_of_date
    from {{ ref('user_cohorts') }}
    where distance_to_centre is not null
),

users_ranked as (
    select
        user_id,
        cohort_id,
        cohort_name,
        distance_to_centre,
        row_number() over (
            partition by cohort_id
            order by distance_to_centre asc, user_id asc
        ) as example_rank,
        count(*) over (partition by cohort_id) as user_count,
        as_of_date
    from user_cohorts
),

-- As many of each cohort as a number about it stands on, never fewer: a list of two would be two people.
examples_listed as (
    select
        user_id,
        cohort_id,
        cohort_name,
        distance_to_centre,
        example_rank,
        as_of_date
    from users_ranked
    where
        user_count >= {{ var('min_cohort_users') }}
        and example_rank <= {{ var('min_cohort_users') }}
)

select * from examples_listed
