-- One row per staged order line, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

order_lines as (
    select
        user_id,
        store_id,
        order_id,
        item_id,
        quantity,
        sales_usd,
        loyalty_discount_usd,
        coupon_discount_usd,
        coupon_match_discount_usd,
        week_start_date,
        ordered_at
    from {{ staging('order_lines') }}
),

items as (
    select
        item_id,
        is_sold_by_measure
    from {{ staging('items') }}
),

order_lines_checked as (
    select
        order_lines.*,
        items.is_sold_by_measure,
        case
            when order_lines.quantity <= 0 then 'non_positive_quantity'
            when items.item_id is null then 'unknown_product'
        end as reason_code
    from order_lines
    left join items on order_lines.item_id = items.item_id
)

select * from order_lines_checked
