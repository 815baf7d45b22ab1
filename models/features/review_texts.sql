-- One row per accepted review with a text, written before the as-of date.
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
        title,
        body,
        language,
        rating,
        reviewed_at
    from {{ ref('reviews') }}
    where title is not null or body is not null
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
        case
            when reviews.body is null then reviews.title
            when reviews.title is null then reviews.body
            else {{ dbt.concat(['reviews.title', 'chr(10)', 'reviews.body']) }}
        end as text,
        reviews.language,
        cast(reviews.rating as double) as rating,
        as_of_dates.as_of_date,
        reviews.reviewed_at
    from reviews
    inner join as_of_dates on reviews.reviewed_at < as_of_dates.as_of_date
    left join int_users_profiled on reviews.user_id = int_users_profiled.user_id
),

texts_hashed as (
    select
        review_id,
        user_id,
        item_id,
        text,
        {{ sha256_hex('text') }} as text_hash,
        language,
        rating,
        as_of_date,
        reviewed_at
    from reviews_cut
)

select * from texts_hashed
