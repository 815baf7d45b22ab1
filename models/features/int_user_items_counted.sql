-- One row per user and item bought before the as-of date.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_order_lines_as_of as (
    select
        order_id,
        user_id,
        item_id
    from {{ ref('int_order_lines_as_of') }}
    where user_id is not null
),

lines_grouped_by_user_and_item as (
    select
        user_id,
        item_id,
        count(*) as line_count,
        count(distinct order_id) as order_count
    from int_order_lines_as_of
    group by
        user_id,
        item_id
)

select * from lines_grouped_by_user_and_item
