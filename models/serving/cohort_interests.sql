-- One row per cohort and interest: how much of it its users have, against all users.
with

user_cohorts as (
    select
        user_id,
        cohort_id,
        cohort_name,
        as_of_date
    from {{ ref('user_cohorts') }}
),

-- The others have the mean mixture of these, which says nothing of their cohort.
user_interests as (
    select
        user_id,
        interest_id,
        interest_name,
        share
    from {{ ref('user_interests') }}
    where not is_prior
),

interests_of_all as (
    select
        interest_id,
        avg(share) as population_share
    from user_interests
    group by interest_id
),

interests_by_cohort as (
    select
        user_cohorts.cohort_id,
        user_interests.interest_id,
        user_cohorts.cohort_name,
        user_interests.interest_name,
        user_cohorts.as_of_date,
        count(*) as user_count,
        avg(user_interests.share) as mean_share
    from user_cohorts
    inner join user_interests on user_cohorts.user_id = user_interests.user_id
    group by
        user_cohorts.cohort_id,
        user_interests.interest_id,
        user_cohorts.cohort_name,
        user_interests.interest_name,
        user_cohorts.as_of_date
    -- What a few people buy is nobody's business.
    having count(*) >= {{ var('min_interest_users') }}
),

interests_compared as (
    select
        interests_by_cohort.cohort_id,
        interests_by_cohort.interest_id,
        interests_by_cohort.cohort_name,
        interests_by_cohort.interest_name,
        interests_by_cohort.user_count,
        interests_by_cohort.mean_share,
        interests_of_all.population_share,
        interests_by_cohort.mean_share / interests_of_all.population_share as lift,
        interests_by_cohort.as_of_date
    from interests_by_cohort
    inner join interests_of_all on interests_by_cohort.interest_id = interests_of_all.interest_id
),

interests_ranked as (
    select
        cohort_id,
        interest_id,
        cohort_name,
        interest_name,
        user_count,
        mean_share,
        population_share,
        lift,
        row_number() over (
            partition by cohort_id
            order by lift desc, interest_id asc
        ) as interest_rank,
        as_of_date
    from interests_compared
)

select * from interests_ranked
