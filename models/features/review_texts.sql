-- One row per accepted review with a text, written before the as-of date.
with

int_reviews_as_of as (
    select
        review_id,
        user_id,
        item_id,
        title,
        body,
        language,
        rating,
        as_of_date,
        reviewed_at
    from {{ ref('int_reviews_as_of') }}
    where title is not null or body is not null
),

texts_joined as (
    select
        review_id,
        user_id,
        item_id,
        case
            when body is null then title
            when title is null then body
            else {{ dbt.concat(['title', 'chr(10)', 'body']) }}
        end as text,
        language,
        rating,
        as_of_date,
        reviewed_at
    from int_reviews_as_of
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
    from texts_joined
)

select * from texts_hashed
