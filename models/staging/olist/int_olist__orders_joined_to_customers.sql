-- One row per order, with who placed it and where they lived then.
with

orders as (
    select
        order_id,
        customer_id,
        order_status,
        order_purchase_timestamp,
        order_approved_at,
        order_delivered_carrier_date,
        order_delivered_customer_date,
        order_estimated_delivery_date
    from {{ source('olist', 'orders') }}
),

customers as (
    select
        customer_id,
        customer_unique_id,
        customer_zip_code_prefix
    from {{ source('olist', 'customers') }}
),

-- Of two rows of one order the one that is further on its way stays.
orders_ranked as (
    select
        *,
        row_number() over (
            partition by order_id
            order by
                order_delivered_customer_date desc nulls last, order_delivered_carrier_date desc nulls last,
                order_approved_at desc nulls last, order_status asc, order_estimated_delivery_date asc,
                order_purchase_timestamp asc, customer_id asc
        ) as place
    from orders
),

customers_ranked as (
    select
        *,
        row_number() over (
            partition by customer_id
            order by customer_unique_id asc nulls last, customer_zip_code_prefix asc nulls last
        ) as place
    from customers
),

orders_joined_to_customers as (
    select
        orders_ranked.order_id,
        orders_ranked.customer_id,
        nullif(trim(customers_ranked.customer_unique_id), '') as user_id,
        {{ olist_zip_prefix('customers_ranked.customer_zip_code_prefix') }} as location_id,
        coalesce(lower(trim(orders_ranked.order_status)) in ('canceled', 'unavailable'), false) as is_cancelled,
        {{ to_utc(read_time('orders_ranked.order_estimated_delivery_date')) }} as promised_at,
        {{ to_utc(read_time('orders_ranked.order_delivered_customer_date')) }} as delivered_at,
        {{ to_utc(read_time('orders_ranked.order_purchase_timestamp')) }} as ordered_at
    from orders_ranked
    left join customers_ranked
        on
            orders_ranked.customer_id = customers_ranked.customer_id
            and customers_ranked.place = 1
    where orders_ranked.place = 1
)

select * from orders_joined_to_customers
