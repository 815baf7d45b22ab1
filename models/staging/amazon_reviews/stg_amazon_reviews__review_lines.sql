-- One row per raw review of any edition, typed and numbered.
-- A table: the compressed text is parsed once.
{{ config(materialized='table') }}

with

{% set columns = [
    'review_id', 'user_id', 'item_id', 'title', 'body', 'helpful', 'rating', 'is_verified_purchase', 'reviewed_at'
] -%}

json_reviews as (
    select {{ columns | join(', ') }}
    from {{ ref('stg_amazon_reviews__json_reviews') }}
),

csv_reviews as (
    select {{ columns | join(', ') }}
    from {{ ref('stg_amazon_reviews__csv_reviews') }}
),

reviews_stacked as (
    select * from json_reviews
    union all
    select * from csv_reviews
),

reviews_typed as (
    select
        review_id,
        user_id,
        item_id,
        nullif(trim(title), '') as title,
        nullif(trim(body), '') as body,
        rating,
        {{ try_to_cast("replace(helpful, ',', '')", 'bigint') }} as helpful_count,
        is_verified_purchase,
        reviewed_at
    from reviews_stacked
),

-- Numbered by content, so that neither the order of the rows nor of the files matters. Of one review in two editions
-- the one that says whether it is verified comes first.
reviews_of_the_day_numbered as (
    select
        *,
        row_number() over (
            partition by user_id, item_id, cast(reviewed_at as date)
            order by reviewed_at, case when is_verified_purchase is null then 1 else 0 end, review_id
        ) as line_number
    from reviews_typed
),

reviews_numbered as (
    select
        review_id,
        user_id,
        item_id,
        title,
        body,
        rating,
        helpful_count,
        line_number,
        row_number() over (
            partition by review_id
            order by line_number
        ) as copy_number,
        row_number() over (
            partition by user_id, item_id, reviewed_at, title, body, rating
            order by line_number
        ) as telling_number,
        is_verified_purchase,
        reviewed_at
    from reviews_of_the_day_numbered
)

select * from reviews_numbered
