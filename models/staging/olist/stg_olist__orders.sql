-- One row per order.
with

orders as (
    select
        order_id,
        is_cancelled,
        promised_at,
        delivered_at
    from {{ ref('int_olist__orders_joined_to_customers') }}
),

-- Distinct, because a row that stands in two files is still one payment or one piece.
payments as (
    select distinct
        order_id,
        payment_sequential,
        nullif(lower(trim(payment_type)), 'not_defined') as payment_type,
        {{ try_to_cast('payment_value', 'decimal(18, 2)') }} as payment_amount
    from {{ source('olist', 'order_payments') }}
),

pieces as (
    select distinct
        order_id,
        order_item_id,
        product_id,
        seller_id,
        shipping_limit_date,
        price,
        {{ try_to_cast('freight_value', 'decimal(18, 2)') }} as freight_amount
    from {{ source('olist', 'order_items') }}
),

payments_grouped_by_type as (
    select
        order_id,
        payment_type,
        sum(payment_amount) as payment_amount
    from payments
    where payment_type is not null
    group by
        order_id,
        payment_type
),

payment_types_ranked as (
    select
        order_id,
        payment_type,
        row_number() over (
            partition by order_id
            order by payment_amount desc nulls last, payment_type asc
        ) as place
    from payments_grouped_by_type
),

freight_grouped_by_order as (
    select
        order_id,
        sum(freight_amount) as shipping_amount
    from pieces
    group by order_id
),

orders_paid_and_shipped as (
    select
        orders.order_id,
        'marketplace' as channel,
        payment_types_ranked.payment_type as payment_method,
        freight_grouped_by_order.shipping_amount,
        orders.is_cancelled,
        orders.promised_at,
        orders.delivered_at
    from orders
    left join payment_types_ranked
        on
            orders.order_id = payment_types_ranked.order_id
            and payment_types_ranked.place = 1
    left join freight_grouped_by_order on orders.order_id = freight_grouped_by_order.order_id
)

select * from orders_paid_and_shipped
