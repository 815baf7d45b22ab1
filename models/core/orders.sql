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

int_orders_checked as (
    select
        order_id,
        channel,
        device,
        payment_method,
        shipping_amount,
        promised_at,
        delivered_at
    from {{ ref('int_orders_checked') }}
    where reason_code is null
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

orders_joined_to_list as (
    select
        order_lines_grouped_by_order.*,
        int_orders_checked.channel,
        int_orders_checked.device,
        int_orders_checked.payment_method,
        int_orders_checked.shipping_amount,
        int_orders_checked.promised_at,
        int_orders_checked.delivered_at,
        {{ shop_time('order_lines_grouped_by_order.ordered_at') }} as shop_ordered_at
    from order_lines_grouped_by_order
    left join int_orders_checked on order_lines_grouped_by_order.order_id = int_orders_checked.order_id
),

limits as (
    select
        {{ far_out_limit('sales_amount') }} as sales_limit,
        {{ far_out_limit('unit_count') }} as unit_limit
    from order_lines_grouped_by_order
),

orders_joined_to_limits as (
    select
        orders_joined_to_list.*,
        limits.sales_limit,
        limits.unit_limit
    from orders_joined_to_list
    cross join limits
),

orders_dated as (
    select
        order_id,
        user_id,
        store_id,
        channel,
        device,
        payment_method,
        '{{ shop_adapter().currency }}' as currency,
        line_count,
        unit_count,
        list_amount,
        loyalty_discount_amount,
        coupon_discount_amount,
        coupon_match_discount_amount,
        sales_amount,
        -- least() leaves a null out, and with it a limit there is not.
        cast(least(sales_amount, sales_limit) as decimal(18, 2)) as capped_sales_amount,
        paid_amount,
        shipping_amount,
        cast({{ iso_weekday('shop_ordered_at') }} as integer) as shop_weekday,
        cast(extract(hour from shop_ordered_at) as integer) as shop_hour,
        coupon_discount_amount + coupon_match_discount_amount > 0 as has_coupon,
        coalesce(sales_amount > sales_limit, false) or coalesce(unit_count > unit_limit, false) as is_extreme,
        cast(ordered_at as date) as order_date,
        ordered_at,
        promised_at,
        delivered_at
    from orders_joined_to_limits
)

select * from orders_dated
