-- One row per user who may be profiled and wrote a review: what that user praises and complains about.
with

int_reviews_judged as (
    select
        review_id,
        user_id,
        topic_name,
        rating,
        polarity,
        is_negative,
        is_text_read,
        as_of_date,
        reviewed_at
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

praise as (
    {{ top_values('review_aspects', ['user_id'], 'aspect', 'praised_aspects', most=3, where='polarity > 0') }}
),

criticism as (
    {{ top_values('review_aspects', ['user_id'], 'aspect', 'criticised_aspects', most=3, where='polarity < 0') }}
),

topics as (
    {{ top_values('int_reviews_judged', ['user_id'], 'topic_name', 'main_topic', most=1) }}
),

reviews_summarised as (
    select
        user_id,
        count(*) as review_count,
        count(rating) as rated_review_count,
        sum(case when is_text_read then 1 else 0 end) as text_review_count,
        avg(rating) as mean_rating,
        avg(polarity) as mean_polarity,
        avg(cast(case when is_negative then 1 when not is_negative then 0 end as double)) as negative_share,
        min(cast(reviewed_at as date)) as first_reviewed_date,
        max(cast(reviewed_at as date)) as last_reviewed_date,
        as_of_date
    from int_reviews_judged
    group by
        user_id,
        as_of_date
),

users_described as (
    select
        reviews.user_id,
        praise.praised_aspects,
        criticism.criticised_aspects,
        topics.main_topic,
        reviews.review_count,
        reviews.rated_review_count,
        cast(reviews.text_review_count as bigint) as text_review_count,
        reviews.mean_rating,
        reviews.mean_polarity,
        reviews.negative_share,
        reviews.first_reviewed_date,
        reviews.last_reviewed_date,
        reviews.as_of_date
    from reviews_summarised as reviews
    left join praise on reviews.user_id = praise.user_id
    left join criticism on reviews.user_id = criticism.user_id
    left join topics on reviews.user_id = topics.user_id
)

select * from users_described
