-- One row per raw line of an order or a return.
with

order_lines as (
    select
        order_id,
        line_number,
        user_id,
        item_id,
        kind,
        quantity,
        amount,
        shelf_discount,
        coupon_discount,
        booked_at
    from {{ source('simulated', 'order_lines') }}
),

lines_typed as (
    select
        order_id,
        -- By content, so that lines of one item that share a number in the file, or have none, are told apart.
        dense_rank() over (
            partition by order_id, item_id
            order by
                line_number asc nulls last, user_id asc nulls last, kind asc nulls last, quantity asc nulls last,
                amount asc nulls last, shelf_discount asc nulls last, coupon_discount asc nulls last,
                booked_at asc nulls last
        ) as line_number,
        row_number() over (
            partition by
                order_id, line_number, user_id, item_id, kind, quantity, amount, shelf_discount, coupon_discount, booked_at
            -- Equal rows differ in nothing, so any order keeps the same one.
            order by order_id
        ) as copy_number,
        user_id,
        item_id,
        'WEB' as store_id,
        {{ try_to_cast('quantity', 'bigint') }} as quantity,
        {{ try_to_cast('amount', 'decimal(18, 2)') }} as sales_amount,
        {{ try_to_cast('shelf_discount', 'decimal(18, 2)') }} as loyalty_discount_amount,
        {{ try_to_cast('coupon_discount', 'decimal(18, 2)') }} as coupon_match_discount_amount,
        kind = 'return' as is_return,
        cast({{ dbt.date_trunc('week', read_time('booked_at')) }} as date) as week_start_date,
        {{ read_time('booked_at') }} as ordered_at
    from order_lines
)

select * from lines_typed
