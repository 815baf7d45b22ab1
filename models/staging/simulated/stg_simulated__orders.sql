-- One row per order.
with

orders as (
    select
        order_id,
        channel,
        device,
        payment_method,
        status,
        shipping,
        promised_at,
        delivered_at
    from {{ source('simulated', 'orders') }}
),

orders_typed as (
    select
        order_id,
        channel,
        device,
        payment_method,
        {{ try_to_cast('shipping', 'decimal(18, 2)') }} as shipping_amount,
        status = 'cancelled' as is_cancelled,
        status = 'test' as is_test,
        promised_at,
        delivered_at
    from orders
)

select * from orders_typed
