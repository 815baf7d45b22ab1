-- One row per user with an order before the as-of date: how wide and how repetitive the choice of items is.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_user_items_counted as (
    select
        user_id,
        item_id,
        line_count,
        order_count
    from {{ ref('int_user_items_counted') }}
),

items_grouped_by_user as (
    select
        user_id,
        count(*) as distinct_item_count,
        cast(count(*) as double) / sum(line_count) as variety_ratio,
        cast(sum(case when order_count >= 2 then line_count else 0 end) as double)
        / sum(line_count) as repeat_line_share
    from int_user_items_counted
    group by user_id
)

select * from items_grouped_by_user
