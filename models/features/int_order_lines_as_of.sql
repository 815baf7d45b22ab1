-- One row per purchase line before the as-of date, with what is known of its item.
{{ config(materialized='view', contract={'enforced': false}) }}

with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

order_lines as (
    select
        order_line_id,
        order_id,
        user_id,
        item_id,
        store_id,
        unit_count,
        list_amount,
        loyalty_discount_amount,
        coupon_discount_amount,
        coupon_match_discount_amount,
        sales_amount,
        is_quantity_measured,
        week_start_date,
        ordered_at
    from {{ ref('order_lines') }}
),

items as (
    select
        item_id,
        department,
        category,
        is_private_brand
    from {{ ref('items') }}
),

int_users_profiled as (
    select user_id
    from {{ ref('int_users_profiled') }}
),

order_lines_cut as (
    select
        order_lines.order_line_id,
        order_lines.order_id,
        -- Lines of users who may not be profiled stay, as those of guests do.
        int_users_profiled.user_id,
        order_lines.item_id,
        order_lines.store_id,
        items.department,
        items.category,
        items.is_private_brand,
        order_lines.unit_count,
        order_lines.list_amount,
        order_lines.coupon_discount_amount + order_lines.coupon_match_discount_amount as coupon_discount_amount,
        order_lines.loyalty_discount_amount
        + order_lines.coupon_discount_amount
        + order_lines.coupon_match_discount_amount as discount_amount,
        order_lines.sales_amount,
        order_lines.is_quantity_measured,
        order_lines.week_start_date,
        order_lines.ordered_at,
        as_of_dates.as_of_date
    from order_lines
    inner join as_of_dates on order_lines.ordered_at < as_of_dates.as_of_date
    inner join items on order_lines.item_id = items.item_id
    left join int_users_profiled on order_lines.user_id = int_users_profiled.user_id
)

select * from order_lines_cut
