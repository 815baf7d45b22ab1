-- One row per raw review, taken as the purchase of one piece at the listed price.
with

review_lines as (
    select
        user_id,
        item_id,
        line_number,
        copy_number,
        reviewed_at
    from {{ ref('stg_amazon_reviews__review_lines') }}
),

products as (
    select
        item_id,
        price_amount
    from {{ ref('stg_amazon_reviews__products') }}
),

reviews_priced as (
    select
        review_lines.*,
        coalesce(products.price_amount, 0) as sales_amount,
        cast(review_lines.reviewed_at as date) as review_date
    from review_lines
    left join products on review_lines.item_id = products.item_id
),

purchases_inferred as (
    select
        {{ generate_surrogate_key(['user_id', 'review_date']) }} as order_id,
        line_number,
        copy_number,
        user_id,
        item_id,
        1 as quantity,
        sales_amount,
        case
            when user_id is null then 'missing_user'
            -- Whoever writes twice on an item in a day has not bought it twice.
            when line_number > 1 then 'reviewed_again'
        end as reject_reason,
        reviewed_at as ordered_at
    from reviews_priced
)

select * from purchases_inferred
