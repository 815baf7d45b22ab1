-- One row per logged act of a user on an item; in this source every act is a purchase.
with

order_lines as (
    select
        order_line_id,
        order_id,
        user_id,
        item_id,
        unit_count,
        sales_usd,
        ordered_at
    from {{ ref('order_lines') }}
),

purchases as (
    select
        order_line_id as event_id,
        user_id,
        item_id,
        -- A visit to a till is the only session such a shop sees.
        order_id as session_id,
        order_id,
        'purchase' as event_type,
        unit_count,
        sales_usd as amount_usd,
        ordered_at as occurred_at
    from order_lines
)

select * from purchases
