-- One row per raw review: one answer to the survey after an order.
with

order_reviews as (
    select
        review_id,
        order_id,
        review_score,
        review_comment_title,
        review_comment_message,
        review_creation_date,
        review_answer_timestamp
    from {{ source('olist', 'order_reviews') }}
),

orders as (
    select
        order_id,
        user_id,
        is_cancelled
    from {{ ref('int_olist__orders_joined_to_customers') }}
),

order_items as (
    select
        order_id,
        product_id
    from {{ source('olist', 'order_items') }}
),

-- The survey asks about the order: what is said is about an item only where there is no other.
orders_of_one_item as (
    select
        order_id,
        min(product_id) as item_id
    from order_items
    group by order_id
    having count(distinct product_id) = 1
),

-- One answer may stand for several orders, so a review is known by both; were it to come twice with another content,
-- it would be two reviews, of version 1 and 2.
reviews_numbered as (
    select
        *,
        dense_rank() over (
            partition by review_id, order_id
            order by
                review_answer_timestamp asc nulls last, review_creation_date asc nulls last,
                review_score asc nulls last, review_comment_title asc nulls last,
                review_comment_message asc nulls last
        ) as version_number,
        row_number() over (
            partition by
                review_id, order_id, review_score, review_comment_title, review_comment_message,
                review_creation_date, review_answer_timestamp
            order by review_id
        ) as copy_number
    from order_reviews
),

reviews_typed as (
    select
        {{ generate_surrogate_key(['review_id', 'order_id', 'version_number']) }} as review_id,
        copy_number,
        order_id,
        nullif(trim(replace(review_comment_title, chr(13), '')), '') as title,
        nullif(trim(replace(review_comment_message, chr(13), '')), '') as body,
        {{ try_to_cast('review_score', 'double') }} as rating,
        {{ to_utc(read_time('review_answer_timestamp')) }} as reviewed_at
    from reviews_numbered
),

reviews_joined_to_orders as (
    select
        reviews_typed.review_id,
        reviews_typed.copy_number,
        orders.user_id,
        orders_of_one_item.item_id,
        reviews_typed.order_id,
        reviews_typed.title,
        reviews_typed.body,
        case when coalesce(reviews_typed.title, reviews_typed.body) is not null then 'pt' end as language,
        reviews_typed.rating,
        case when orders_of_one_item.item_id is not null then not orders.is_cancelled end as is_verified_purchase,
        reviews_typed.reviewed_at
    from reviews_typed
    left join orders on reviews_typed.order_id = orders.order_id
    left join orders_of_one_item on reviews_typed.order_id = orders_of_one_item.order_id
)

select * from reviews_joined_to_orders
