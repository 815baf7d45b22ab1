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
),

int_user_aliases as (
    select
        user_id,
        person_user_id
    from {{ ref('int_user_aliases') }}
),

-- Several users of one person are that person.
reviews_of_persons as (
    select
        reviews.review_id,
        coalesce(int_user_aliases.person_user_id, reviews.user_id) as user_id,
        reviews.item_id,
        reviews.order_id,
        reviews.title,
        reviews.body,
        reviews.language,
        reviews.rating,
        reviews.helpful_count,
        reviews.is_verified_purchase,
        reviews.reviewed_at
    from reviews
    left join int_user_aliases on reviews.user_id = int_user_aliases.user_id
)

select * from reviews_of_persons
