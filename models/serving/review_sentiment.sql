-- One row per review with a text: what kind of opinion it is, and what it is about.
with

review_texts as (
    select
        review_id,
        user_id,
        item_id,
        language,
        rating,
        reviewed_at
    from {{ ref('review_texts') }}
),

reviews as (
    select
        review_id,
        order_id
    from {{ ref('reviews') }}
),

review_sentiment as (
    select
        review_id,
        language,
        sentiment_label,
        sentiment_method,
        model_version,
        polarity,
        confidence,
        as_of_date
    from {{ source('ml', 'review_sentiment') }}
),

review_topics as (
    select
        review_id,
        topic_id,
        topic_probability
    from {{ source('ml', 'review_topics') }}
),

topic_profiles as (
    select
        topic_id,
        topic_name
    from {{ source('ml', 'topic_profiles') }}
),

texts_joined_to_opinions as (
    select
        review_texts.review_id,
        review_texts.user_id,
        review_texts.item_id,
        reviews.order_id,
        review_topics.topic_id,
        topic_profiles.topic_name,
        coalesce(review_sentiment.language, review_texts.language) as language,
        review_sentiment.sentiment_label,
        review_sentiment.sentiment_method,
        review_sentiment.model_version,
        review_texts.rating,
        review_sentiment.polarity,
        review_sentiment.confidence,
        review_topics.topic_probability,
        review_sentiment.as_of_date,
        review_texts.reviewed_at
    from review_texts
    inner join review_sentiment on review_texts.review_id = review_sentiment.review_id
    inner join reviews on review_texts.review_id = reviews.review_id
    left join review_topics on review_texts.review_id = review_topics.review_id
    left join topic_profiles on review_topics.topic_id = topic_profiles.topic_id
)

select * from texts_joined_to_opinions
