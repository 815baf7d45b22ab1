-- One row per staged order line, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

order_lines as (
    select
        order_id,
        line_number,
        copy_number,
        user_id,
        store_id,
        item_id,
        quantity,
        sales_amount,
        loyalty_discount_amount,
        coupon_discount_amount,
        coupon_match_discount_amount,
        is_return,
        reject_reason,
        week_start_date,
        ordered_at
    from {{ staging('order_lines') }}
),

items as (
    select
        item_id,
        is_sold_by_measure
    from {{ ref('items') }}
),

listed_orders as (
    select
        order_id,
        is_test,
        is_cancelled
    from ({{ checked_rows('orders') }}) as checked_orders
    where reason_code is null
),

order_lines_checked as (
    select
        order_lines.*,
        items.is_sold_by_measure,
        case
            when order_lines.order_id is null then 'missing_order'
            when order_lines.ordered_at is null then 'unreadable_time'
            when order_lines.quantity is null then 'unreadable_quantity'
            when order_lines.sales_amount is null then 'unreadable_amount'
            when order_lines.copy_number > 1 then 'exact_duplicate'
            when order_lines.reject_reason is not null then order_lines.reject_reason
            when listed_orders.is_test then 'test_order'
            when listed_orders.is_cancelled then 'cancelled_order'
            when order_lines.quantity <= 0 and not order_lines.is_return then 'non_positive_quantity'
            when order_lines.quantity >= 0 and order_lines.is_return then 'non_negative_return'
            when items.item_id is null then 'unknown_product'
        end as reason_code
    from order_lines
    left join items on order_lines.item_id = items.item_id
    left join listed_orders on order_lines.order_id = listed_orders.order_id
)

select * from order_lines_checked
