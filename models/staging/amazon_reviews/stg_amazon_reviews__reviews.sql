-- One row per raw review.
with

review_lines as (
    select
        review_id,
        user_id,
        item_id,
        title,
        body,
        rating,
        helpful_count,
        copy_number,
        telling_number,
        is_verified_purchase,
        reviewed_at
    from {{ ref('stg_amazon_reviews__review_lines') }}
),

reviews_judged as (
    select
        review_id,
        copy_number,
        user_id,
        item_id,
        title,
        body,
        rating,
        helpful_count,
        is_verified_purchase,
        case
            when item_id is null then 'missing_item'
            when telling_number > 1 then 'same_review'
        end as reject_reason,
        reviewed_at
    from review_lines
)

select * from reviews_judged
