-- One row per raw review.
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
        stars,
        helpful_votes,
        verified,
        written_at
    from {{ source('simulated', 'reviews') }}
),

reviews_typed as (
    select
        review_id,
        row_number() over (
            partition by review_id, user_id, item_id, order_id, title, body, language, stars, helpful_votes, verified, written_at
            -- Equal rows differ in nothing, so any order keeps the same one.
            order by review_id
        ) as copy_number,
        user_id,
        item_id,
        order_id,
        title,
        body,
        language,
        {{ try_to_cast('stars', 'double') }} as rating,
        {{ try_to_cast('helpful_votes', 'bigint') }} as helpful_count,
        verified = 'true' as is_verified_purchase,
        {{ read_time('written_at') }} as reviewed_at
    from reviews
)

select * from reviews_typed
