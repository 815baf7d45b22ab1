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
            when
                order_lines.sales_amount is null or order_lines.loyalty_discount_amount is null
                or order_lines.coupon_discount_amount is null or order_lines.coupon_match_discount_amount is null
                then 'unreadable_amount'
            -- A thousand thousand millions, in whatever currency: sums of more would not fit their columns.
            when abs(order_lines.quantity / 1.0) >= 1000000000000 then 'implausible_quantity'
            when
                greatest(
                    abs(order_lines.sales_amount),
                    abs(order_lines.loyalty_discount_amount),
                    abs(order_lines.coupon_discount_amount),
                    abs(order_lines.coupon_match_discount_amount)
                ) >= 1000000000000
                then 'implausible_amount'
            when order_lines.ordered_at < cast('1900-01-01' as timestamp) then 'implausible_time'
            when order_lines.ordered_at >= {{ future_begins_at() }} then 'future_time'
            when order_lines.copy_number > 1 then 'exact_duplicate'
            when order_lines.reject_reason is not null then order_lines.reject_reason
            when listed_orders.is_test then 'test_order'
            when listed_orders.is_cancelled then 'cancelled_order'
            when order_lines.quantity <= 0 and not order_lines.is_return then 'non_positive_quantity'
            when order_lines.quantity >= 0 and order_lines.is_return then 'non_negative_return'
            when order_lines.sales_amount < 0 and not order_lines.is_return then 'negative_amount'
            when order_lines.sales_amount > 0 and order_lines.is_return then 'non_negative_return'
            when
                least(
                    order_lines.loyalty_discount_amount,
                    order_lines.coupon_discount_amount,
                    order_lines.coupon_match_discount_amount
                ) < 0
                then 'negative_amount'
            when order_lines.week_start_date > order_lines.ordered_at then 'week_after_order'
            when items.item_id is null then 'unknown_product'
        end as reason_code
    from order_lines
    left join items on order_lines.item_id = items.item_id
    left join listed_orders on order_lines.order_id = listed_orders.order_id
)

select * from order_lines_checked
