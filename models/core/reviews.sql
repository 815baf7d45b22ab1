-- One row per accepted review.
with

reviews as (
    select
        review_id,
        user_id,
        item_id,
        order_id,
        title,
        body,
        language,
        rating,
        helpful_count,
        is_verified_purchase,
        reviewed_at
    from ({{ checked_rows('reviews') }}) as checked_reviews
    where reason_code is null
)

select * from reviews
