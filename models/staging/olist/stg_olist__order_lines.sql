-- One row per raw row of the pieces of an order.
with

order_items as (
    select
        order_id,
        order_item_id,
        product_id,
        seller_id,
        shipping_limit_date,
        price,
        freight_value
    from {{ source('olist', 'order_items') }}
),

orders as (
    select
        order_id,
        user_id,
        ordered_at
    from {{ ref('int_olist__orders_joined_to_customers') }}
),

-- Numbered by content, so that neither the order of the rows nor of the files matters; copies share a number.
pieces_numbered as (
    select
        *,
        dense_rank() over (
            partition by order_id, product_id
            order by
                {{ try_to_cast('order_item_id', 'bigint') }} asc nulls last, order_item_id asc nulls last,
                seller_id asc nulls last, price asc nulls last, freight_value asc nulls last,
                shipping_limit_date asc nulls last
        ) as line_number,
        row_number() over (
            partition by
                order_id, order_item_id, product_id, seller_id, shipping_limit_date, price, freight_value
            order by order_id
        ) as copy_number,
        {{ try_to_cast('price', 'decimal(18, 2)') }} as sales_amount
    from order_items
),

lines_joined_to_orders as (
    select
        pieces_numbered.order_id,
        pieces_numbered.line_number,
        pieces_numbered.copy_number,
        orders.user_id,
        pieces_numbered.product_id as item_id,
        pieces_numbered.seller_id as store_id,
        1 as quantity,
        pieces_numbered.sales_amount,
        case when pieces_numbered.sales_amount <= 0 then 'non_positive_price' end as reject_reason,
        orders.ordered_at
    from pieces_numbered
    left join orders on pieces_numbered.order_id = orders.order_id
)

select * from lines_joined_to_orders
