-- One row per order the shop lists, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

listed_orders as ({{ checked_rows('orders') }}),

sold_or_returned as (
    select order_id
    from {{ ref('int_order_lines_checked') }}
    where reason_code is null
    group by order_id
),

orders_joined_to_lines as (
    select
        listed_orders.order_id,
        listed_orders.copy_of_key,
        listed_orders.channel,
        listed_orders.device,
        listed_orders.payment_method,
        listed_orders.shipping_amount,
        listed_orders.promised_at,
        listed_orders.delivered_at,
        case
            when listed_orders.reason_code is not null then listed_orders.reason_code
            when listed_orders.is_test then 'test_order'
            when listed_orders.is_cancelled then 'cancelled_order'
            when sold_or_returned.order_id is null then 'no_accepted_line'
        end as reason_code
    from listed_orders
    left join sold_or_returned on listed_orders.order_id = sold_or_returned.order_id
)

select * from orders_joined_to_lines
