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

orders_cut as (
    select
        orders.order_id,
        orders.user_id,
        orders.store_id,
        orders.line_count,
        orders.unit_count,
        orders.sales_amount,
        orders.shop_weekday,
        orders.shop_hour,
        {{ dbt.datediff('orders.order_date', 'as_of_dates.as_of_date', 'day') }} as days_before_as_of,
        orders.has_coupon,
        orders.order_date,
        orders.ordered_at,
        as_of_dates.as_of_date
    from orders
    inner join as_of_dates on orders.ordered_at < as_of_dates.as_of_date
    inner join int_users_profiled on orders.user_id = int_users_profiled.user_id
)

select * from orders_cut
