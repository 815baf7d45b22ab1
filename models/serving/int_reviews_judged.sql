-- One row per accepted review before the as-of date, with the opinion in it.
{{ config(schema='intermediate', contract={'enforced': false}) }}

with

int_reviews_as_of as (
    select
        review_id,
        user_id,
        item_id,
        order_id,
        rating,
        as_of_date,
        reviewed_at
    from {{ ref('int_reviews_as_of') }}
),

review_sentiment as (
    select
        review_id,
        topic_id,
        topic_name,
        sentiment_label,
        polarity
    from {{ ref('review_sentiment') }}
),

-- Stars speak where there is no text, or where it has not been read: 1 is -1, 3 is 0, 5 is 1.
reviews_judged as (
    select
        int_reviews_as_of.review_id,
        int_reviews_as_of.user_id,
        int_reviews_as_of.item_id,
        int_reviews_as_of.order_id,
        case when review_sentiment.topic_id <> 'outlier' then review_sentiment.topic_name end as topic_name,
        int_reviews_as_of.rating,
        cast(coalesce(review_sentiment.polarity, (int_reviews_as_of.rating - 3) / 2.0) as double) as polarity,
        case
            when review_sentiment.review_id is not null then review_sentiment.sentiment_label = 'negative'
            else int_reviews_as_of.rating < 3
        end as is_negative,
        review_sentiment.review_id is not null as is_text_read,
        int_reviews_as_of.as_of_date,
        int_reviews_as_of.reviewed_at
    from int_reviews_as_of
    left join review_sentiment on int_reviews_as_of.review_id = review_sentiment.review_id
)

select * from reviews_judged
