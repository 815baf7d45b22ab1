-- One row per accepted review before the as-of date.
{{ config(materialized='view', contract={'enforced': false}) }}

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
        title,
        body,
        language,
        rating,
        reviewed_at
    from {{ ref('reviews') }}
),

int_users_profiled as (
    select user_id
    from {{ ref('int_users_profiled') }}
),

reviews_cut as (
    select
        reviews.review_id,
        -- Reviews by users who may not be profiled stay, as their purchases do, without the user.
        int_users_profiled.user_id,
        reviews.item_id,
        reviews.order_id,
        reviews.title,
        reviews.body,
        reviews.language,
        cast(reviews.rating as double) as rating,
        as_of_dates.as_of_date,
        reviews.reviewed_at
    from reviews
    inner join as_of_dates on reviews.reviewed_at < as_of_dates.as_of_date
    left join int_users_profiled on reviews.user_id = int_users_profiled.user_id
)

select * from reviews_cut
