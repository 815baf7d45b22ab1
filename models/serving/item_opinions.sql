-- One row per item that was reviewed: what is thought of it.
with

int_reviews_attributed as (select * from {{ ref('int_reviews_attributed') }}),

review_aspects as (
    select
        review_id,
        aspect,
        polarity
    from {{ ref('review_aspects') }}
),

items as (
    select
        item_id,
        title
    from {{ ref('items') }}
),

aspects_attributed as (
    select
        int_reviews_attributed.item_id,
        review_aspects.aspect,
        review_aspects.polarity
    from int_reviews_attributed
    inner join review_aspects on int_reviews_attributed.review_id = review_aspects.review_id
),

praise as (
    {{ top_values('aspects_attributed', ['item_id'], 'aspect', 'praised_aspect', most=1, where='polarity > 0') }}
),

criticism as (
    {{ top_values('aspects_attributed', ['item_id'], 'aspect', 'criticised_aspect', most=1, where='polarity < 0') }}
),

topics as (
    {{ top_values('int_reviews_attributed', ['item_id'], 'topic_name', 'main_topic', most=1) }}
),

reviews_dated as (
    select
        *,
        reviewed_at >= {{ add_days('as_of_date', -91) }} as is_recent
    from int_reviews_attributed
),

reviews_summarised as (
    select
        item_id,
        count(*) as review_count,
        count(rating) as rated_review_count,
        sum(case when is_text_read then 1 else 0 end) as text_review_count,
        sum(case when is_recent then 1 else 0 end) as review_count_91d,
        avg(rating) as mean_rating,
        avg(polarity) as mean_polarity,
        avg(case when is_recent then polarity end) as mean_polarity_91d,
        avg(case when not is_recent then polarity end) as earlier_mean_polarity,
        avg(cast(case when is_negative then 1 when not is_negative then 0 end as double)) as negative_share,
        min(cast(reviewed_at as date)) as first_reviewed_date,
        max(cast(reviewed_at as date)) as last_reviewed_date,
        as_of_date
    from reviews_dated
    group by
        item_id,
        as_of_date
),

items_described as (
    select
        reviews.item_id,
        items.title as item_title,
        praise.praised_aspect,
        criticism.criticised_aspect,
        topics.main_topic,
        reviews.review_count,
        reviews.rated_review_count,
        cast(reviews.text_review_count as bigint) as text_review_count,
        cast(reviews.review_count_91d as bigint) as review_count_91d,
        reviews.mean_rating,
        reviews.mean_polarity,
        reviews.mean_polarity_91d,
        reviews.earlier_mean_polarity,
        reviews.negative_share,
        reviews.first_reviewed_date,
        reviews.last_reviewed_date,
        reviews.as_of_date
    from reviews_summarised as reviews
    left join items on reviews.item_id = items.item_id
    left join praise on reviews.item_id = praise.item_id
    left join criticism on reviews.item_id = criticism.item_id
    left join topics on reviews.item_id = topics.item_id
)

select * from items_described
