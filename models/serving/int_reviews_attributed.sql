-- One row per review and item it is about.
{{ config(schema='intermediate', contract={'enforced': false}) }}

with

int_reviews_judged as (
    select
        review_id,
        item_id,
        order_id,
        topic_name,
        rating,
        polarity,
        is_negative,
        is_text_read,
        as_of_date,
        reviewed_at
    from {{ ref('int_reviews_judged') }}
),

order_items as (
    select distinct
        order_id,
        item_id
    from {{ ref('int_order_lines_as_of') }}
),

-- What is said of a whole order is said of each item in it.
reviews_attributed as (
    select
        int_reviews_judged.review_id,
        coalesce(int_reviews_judged.item_id, order_items.item_id) as item_id,
        int_reviews_judged.topic_name,
        int_reviews_judged.rating,
        int_reviews_judged.polarity,
        int_reviews_judged.is_negative,
        int_reviews_judged.is_text_read,
        {{ week_start('int_reviews_judged.reviewed_at') }} as week_start_date,
        int_reviews_judged.as_of_date,
        int_reviews_judged.reviewed_at
    from int_reviews_judged
    left join order_items
        on
            int_reviews_judged.item_id is null
            and int_reviews_judged.order_id = order_items.order_id
)

select * from reviews_attributed
where item_id is not null
