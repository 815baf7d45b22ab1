-- One row per order: one basket with at least one accepted line.
with

order_lines as (
    select
        order_id,
        user_id,
        store_id,
        unit_count,
        list_amount,
        loyalty_discount_amount,
        coupon_discount_amount,
        coupon_match_discount_amount,
        sales_amount,
        paid_amount,
        ordered_at
    from {{ ref('order_lines') }}
),

-- An order has one user and one till; an invoice whose lines were keyed in over minutes began at the first.
order_lines_grouped_by_order as (
    select
        order_id,
        min(user_id) as user_id,
        min(store_id) as store_id,
        count(*) as line_count,
        cast(sum(unit_count) as bigint) as unit_count,
        cast(sum(list_amount) as decimal(18, 2)) as list_amount,
        cast(sum(loyalty_discount_amount) as decimal(18, 2)) as loyalty_discount_amount,
        cast(sum(coupon_discount_amount) as decimal(18, 2)) as coupon_discount_amount,
        cast(sum(coupon_match_discount_amount) as decimal(18, 2)) as coupon_match_discount_amount,
        cast(sum(sales_amount) as decimal(18, 2)) as sales_amount,
        cast(sum(paid_amount) as decimal(18, 2)) as paid_amount,
        min(ordered_at) as ordered_at
    from order_lines
    group by order_id
),

orders_on_the_shop_clock as (
    select
        order_lines_grouped_by_order.*,
        {{ shop_time('ordered_at') }} as shop_ordered_at
    from order_lines_grouped_by_order
),

orders_dated as (
    select
        order_id,
        user_id,
        store_id,
        '{{ shop_adapter().currency }}' as currency,
        line_count,
        unit_count,
        list_amount,
        loyalty_discount_amount,
        coupon_discount_amount,
        coupon_match_discount_amount,
        sales_amount,
        paid_amount,
        cast({{ iso_weekday('shop_ordered_at') }} as integer) as shop_weekday,
        cast(extract(hour from shop_ordered_at) as integer) as shop_hour,
        coupon_discount_amount + coupon_match_discount_amount > 0 as has_coupon,
        cast(ordered_at as date) as order_date,
        ordered_at
    from orders_on_the_shop_clock
)

select * from orders_dated
