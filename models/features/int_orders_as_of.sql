-- One row per order before the as-of date of a user who may be profiled.
{{ config(materialized='view', contract={'enforced': false}) }}

with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

orders as (
    select
        order_id,
        user_id,
        store_id,
        line_count,
        unit_count,
        sales_amount,
        shop_weekday,
        shop_hour,
        has_coupon,
        order_date,
        ordered_at
    from {{ ref('orders') }}
),

int_users_profiled as (
    select user_id
    from {{ ref('int_users_profiled') }}
),

-- From orders before the as-of date alone: the limits of core.orders know the whole history.
limits as (
    select
        {{ far_out_limit('orders.sales_amount') }} as sales_limit,
        {{ far_out_limit('orders.unit_count') }} as unit_limit,
        max(orders.shop_hour) as latest_hour
    from orders
    inner join as_of_dates on orders.ordered_at < as_of_dates.as_of_date
),

orders_cut as (
    select
        orders.order_id,
        orders.user_id,
        orders.store_id,
        orders.line_count,
        orders.unit_count,
        cast(least(orders.unit_count, limits.unit_limit) as double) as capped_unit_count,
        orders.sales_amount,
        cast(least(orders.sales_amount, limits.sales_limit) as decimal(18, 2)) as capped_sales_amount,
        orders.shop_weekday,
        -- A shop whose files know the day alone has all its orders at midnight: nobody buys at night there.
        case when limits.latest_hour > 0 then orders.shop_hour end as shop_hour,
        {{ dbt.datediff('orders.order_date', 'as_of_dates.as_of_date', 'day') }} as days_before_as_of,
        orders.has_coupon,
        orders.order_date,
        orders.ordered_at,
        as_of_dates.as_of_date
    from orders
    inner join as_of_dates on orders.ordered_at < as_of_dates.as_of_date
    inner join int_users_profiled on orders.user_id = int_users_profiled.user_id
    cross join limits
)

select * from orders_cut
