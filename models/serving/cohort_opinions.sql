-- One row per cohort, kind and topic of opinion: what the cohort's users praise, complain about and write of.
with

user_cohorts as (
    select
        user_id,
        cohort_id,
        cohort_name,
        as_of_date
    from {{ ref('user_cohorts') }}
),

reviews as (
    select
        user_id,
        topic_name
    from {{ ref('int_reviews_judged') }}
    where user_id is not null
),

review_aspects as (
    select
        user_id,
        aspect,
        polarity
    from {{ ref('review_aspects') }}
    where user_id is not null
),

-- A user counts once for what they say, however often they say it.
opinions as (
    select distinct
        user_id,
        'praise' as opinion_type,
        aspect as opinion_name
    from review_aspects
    where polarity > 0
    union all
    select distinct
        user_id,
        'complaint' as opinion_type,
        aspect as opinion_name
    from review_aspects
    where polarity < 0
    union all
    select distinct
        user_id,
        'topic' as opinion_type,
        topic_name as opinion_name
    from reviews
    where topic_name is not null
),

writers as (
    select distinct
        user_cohorts.user_id,
        user_cohorts.cohort_id,
        user_cohorts.cohort_name,
        user_cohorts.as_of_date
    from user_cohorts
    inner join reviews on user_cohorts.user_id = reviews.user_id
),

writers_by_cohort as (
    select
        cohort_id,
        count(*) as writer_count
    from writers
    group by cohort_id
),

all_writers as (
    select count(*) as writer_count
    from writers
),

opinions_by_cohort as (
    select
        writers.cohort_id,
        writers.cohort_name,
        opinions.opinion_type,
        opinions.opinion_name,
        writers.as_of_date,
        count(*) as user_count
    from writers
    inner join opinions on writers.user_id = opinions.user_id
    group by
        writers.cohort_id,
        writers.cohort_name,
        opinions.opinion_type,
        opinions.opinion_name,
        writers.as_of_date
),

opinions_of_all as (
    select
        opinions.opinion_type,
        opinions.opinion_name,
        count(*) as user_count
    from writers
    inner join opinions on writers.user_id = opinions.user_id
    group by
        opinions.opinion_type,
        opinions.opinion_name
),

opinions_compared as (
    select
        own.cohort_id,
        own.opinion_name,
        own.cohort_name,
        own.opinion_type,
        writers_by_cohort.writer_count,
        own.user_count,
        cast(own.user_count as double) / writers_by_cohort.writer_count as cohort_share,
        cast(opinions_of_all.user_count as double) / all_writers.writer_count as population_share,
        own.as_of_date
    from opinions_by_cohort as own
    inner join writers_by_cohort on own.cohort_id = writers_by_cohort.cohort_id
    inner join opinions_of_all
        on
            own.opinion_type = opinions_of_all.opinion_type
            and own.opinion_name = opinions_of_all.opinion_name
    cross join all_writers
    -- What a few people think is nobody's business.
    where own.user_count >= {{ var('min_opinion_users') }}
),

opinions_ranked as (
    select
        cohort_id,
        opinion_name,
        cohort_name,
        opinion_type,
        writer_count,
        user_count,
        cohort_share,
        population_share,
        cohort_share / population_share as lift,
        row_number() over (
            partition by cohort_id, opinion_type
            order by cohort_share desc, opinion_name asc
        ) as opinion_rank,
        as_of_date
    from opinions_compared
)

select * from opinions_ranked
