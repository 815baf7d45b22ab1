-- One row per topic and month in which somebody wrote of it.
with

review_texts as (
    select
        review_id,
        cast({{ dbt.date_trunc('month', 'reviewed_at') }} as date) as review_month
    from {{ ref('review_texts') }}
),

review_topics as (
    select
        review_id,
        topic_id,
        model_version,
        as_of_date
    from {{ source('ml', 'review_topics') }}
),

topic_profiles as (
    select
        topic_id,
        topic_name,
        is_outlier
    from {{ source('ml', 'topic_profiles') }}
),

review_sentiment as (
    select
        review_id,
        polarity
    from {{ ref('review_sentiment') }}
),

topics_counted as (
    select
        review_topics.topic_id,
        topic_profiles.topic_name,
        review_topics.model_version,
        count(*) as review_count,
        avg(review_sentiment.polarity) as mean_polarity,
        topic_profiles.is_outlier,
        review_texts.review_month,
        review_topics.as_of_date
    from review_topics
    inner join review_texts on review_topics.review_id = review_texts.review_id
    inner join topic_profiles on review_topics.topic_id = topic_profiles.topic_id
    left join review_sentiment on review_topics.review_id = review_sentiment.review_id
    group by
        review_topics.topic_id,
        topic_profiles.topic_name,
        review_topics.model_version,
        topic_profiles.is_outlier,
        review_texts.review_month,
        review_topics.as_of_date
),

topics_shared as (
    select
        topic_id,
        topic_name,
        model_version,
        review_count,
        cast(review_count as double) / sum(review_count) over (partition by review_month) as review_share,
        mean_polarity,
        is_outlier,
        review_month,
        as_of_date
    from topics_counted
)

select * from topics_shared
