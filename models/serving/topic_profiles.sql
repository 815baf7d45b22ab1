-- One row per topic: its words, its size, and how those who write of it feel.
with

topic_profiles as (
    select
        topic_id,
        topic_name,
        topic_method,
        topic_words,
        representative_review_ids,
        model_version,
        review_count,
        review_share,
        is_outlier,
        as_of_date
    from {{ source('ml', 'topic_profiles') }}
),

review_sentiment as (
    select
        topic_id,
        sentiment_label,
        rating,
        polarity
    from {{ ref('review_sentiment') }}
),

opinions_by_topic as (
    select
        topic_id,
        avg(rating) as mean_rating,
        avg(polarity) as mean_polarity,
        avg(cast(case when sentiment_label = 'negative' then 1 else 0 end as double)) as negative_share
    from review_sentiment
    where topic_id is not null
    group by topic_id
),

topics_joined_to_opinions as (
    select
        topic_profiles.topic_id,
        topic_profiles.topic_name,
        topic_profiles.topic_method,
        topic_profiles.topic_words,
        topic_profiles.representative_review_ids,
        topic_profiles.model_version,
        topic_profiles.review_count,
        topic_profiles.review_share,
        opinions_by_topic.mean_rating,
        opinions_by_topic.mean_polarity,
        opinions_by_topic.negative_share,
        topic_profiles.is_outlier,
        topic_profiles.as_of_date
    from topic_profiles
    left join opinions_by_topic on topic_profiles.topic_id = opinions_by_topic.topic_id
)

select * from topics_joined_to_opinions
