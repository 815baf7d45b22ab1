-- Who was in which cohort on the as-of date, by the log, is what the table of that date says.
{{ config(meta={'dagster': {'ref': {'name': 'cohort_memberships'}}}) }}
with

memberships_of_the_day as (
    select
        cohort_memberships.user_id,
        cohort_memberships.cohort_id
    from {{ ref('cohort_memberships') }} as cohort_memberships
    inner join {{ ref('as_of_dates') }} as as_of_dates
        on
            cohort_memberships.valid_from <= as_of_dates.as_of_date
            and (cohort_memberships.valid_to is null or cohort_memberships.valid_to > as_of_dates.as_of_date)
)

select
    user_cohorts.user_id,
    user_cohorts.cohort_id,
    memberships_of_the_day.cohort_id as cohort_of_the_log
from {{ ref('user_cohorts') }} as user_cohorts
full outer join memberships_of_the_day on user_cohorts.user_id = memberships_of_the_day.user_id
where user_cohorts.cohort_id is distinct from memberships_of_the_day.cohort_id
