-- One row per order before the as-of date and item in it; orders of very many items are left out.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_order_lines_as_of as (
    select distinct
        order_id,
        item_id,
        -- A guest, and a user who may not be profiled, is a buyer of one order.
        coalesce(user_id, order_id) as buyer_id,
        as_of_date
    from {{ ref('int_order_lines_as_of') }}
),

-- An order of n items has n * (n - 1) / 2 pairs: a reseller's of thousands would outweigh all others.
orders_kept as (
    select order_id
    from int_order_lines_as_of
    group by order_id
    having count(*) <= {{ var('together_max_basket_items') }}
),

baskets as (
    select
        int_order_lines_as_of.order_id,
        int_order_lines_as_of.item_id,
        int_order_lines_as_of.buyer_id,
        int_order_lines_as_of.as_of_date
    from int_order_lines_as_of
    inner join orders_kept on int_order_lines_as_of.order_id = orders_kept.order_id
)

select * from baskets
