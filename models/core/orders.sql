-- One row per order: one basket with at least one accepted line.
with

order_lines as (
    select
        order_id,
        user_id,
        store_id,
        unit_count,
        list_usd,
        loyalty_discount_usd,
        coupon_discount_usd,
        coupon_match_discount_usd,
        sales_usd,
        paid_usd,
        ordered_at
    from {{ ref('order_lines') }}
),

order_lines_grouped_by_order as (
    select
        order_id,
        user_id,
        store_id,
        count(*) as line_count,
        cast(sum(unit_count) as bigint) as unit_count,
        cast(sum(list_usd) as decimal(18, 2)) as list_usd,
        cast(sum(loyalty_discount_usd) as decimal(18, 2)) as loyalty_discount_usd,
        cast(sum(coupon_discount_usd) as decimal(18, 2)) as coupon_discount_usd,
        cast(sum(coupon_match_discount_usd) as decimal(18, 2)) as coupon_match_discount_usd,
        cast(sum(sales_usd) as decimal(18, 2)) as sales_usd,
        cast(sum(paid_usd) as decimal(18, 2)) as paid_usd,
        ordered_at
    from order_lines
    group by
        order_id,
        user_id,
        store_id,
        ordered_at
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
        line_count,
        unit_count,
        list_usd,
        loyalty_discount_usd,
        coupon_discount_usd,
        coupon_match_discount_usd,
        sales_usd,
        paid_usd,
        cast({{ iso_weekday('shop_ordered_at') }} as integer) as shop_weekday,
        cast(extract(hour from shop_ordered_at) as integer) as shop_hour,
        coupon_discount_usd + coupon_match_discount_usd > 0 as has_coupon,
        cast(ordered_at as date) as order_date,
        ordered_at
    from orders_on_the_shop_clock
)

select * from orders_dated
