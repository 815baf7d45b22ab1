-- One row per review and aspect it speaks of.
with

review_texts as (
    select
        review_id,
        user_id,
        item_id,
        reviewed_at
    from {{ ref('review_texts') }}
),

review_aspects as (
    select
        review_id,
        aspect,
        evidence,
        model_version,
        polarity,
        as_of_date
    from {{ source('ml', 'review_aspects') }}
),

aspects_joined_to_reviews as (
    select
        review_aspects.review_id,
        review_texts.user_id,
        review_texts.item_id,
        review_aspects.aspect,
        review_aspects.evidence,
        review_aspects.model_version,
        review_aspects.polarity,
        review_aspects.as_of_date,
        review_texts.reviewed_at
    from review_aspects
    inner join review_texts on review_aspects.review_id = review_texts.review_id
)

select * from aspects_joined_to_reviews
