-- One row per accepted review before the as-of date, with the opinion in it.
{{ config(schema='intermediate', contract={'enforced': false}) }}

with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

reviews as (
    select
        review_id,
        user_id,
        item_id,
        order_id,
        rating,
        reviewed_at
    from {{ ref('reviews') }}
),

int_users_profiled as (
    select user_id
    from {{ ref('int_users_profiled') }}
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
        reviews.review_id,
        int_users_profiled.user_id,
        reviews.item_id,
        reviews.order_id,
        case when review_sentiment.topic_id <> 'outlier' then review_sentiment.topic_name end as topic_name,
        cast(reviews.rating as double) as rating,
        cast(coalesce(review_sentiment.polarity, (reviews.rating - 3) / 2.0) as double) as polarity,
        case
            when review_sentiment.review_id is not null then review_sentiment.sentiment_label = 'negative'
            else reviews.rating < 3
        end as is_negative,
        review_sentiment.review_id is not null as is_text_read,
        as_of_dates.as_of_date,
        reviews.reviewed_at
    from reviews
    inner join as_of_dates on reviews.reviewed_at < as_of_dates.as_of_date
    left join int_users_profiled on reviews.user_id = int_users_profiled.user_id
    left join review_sentiment on reviews.review_id = review_sentiment.review_id
)

select * from reviews_judged
