-- One row per item sold before the as-of date: who bought it, once or again.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_user_items_counted as (
    select
        item_id,
        order_count
    from {{ ref('int_user_items_counted') }}
),

buyers_grouped_by_item as (
    select
        item_id,
        count(*) as user_count,
        avg(case when order_count >= 2 then 1.0 else 0.0 end) as repurchase_share
    from int_user_items_counted
    group by item_id
)

select * from buyers_grouped_by_item
