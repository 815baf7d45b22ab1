-- One row per raw row of the log that is a purchase: one piece of one item.
with

purchases as (
    select
        row_key,
        user_id,
        item_id,
        session_id,
        price_amount,
        occurred_at
    from {{ ref('stg_rees46__log_rows') }}
    where event_type = 'purchase'
),

-- Now and then two users share a session: an order has one user, so each gets an order of their own.
buyers_numbered as (
    select
        *,
        dense_rank() over (
            partition by session_id
            order by user_id asc nulls last
        ) as buyer_number
    from purchases
),

-- The log has no order number: what a user buys in a session is an order, and the order is called by the session. Core
-- keeps order ids as they are, so the session is hashed here, as the contract hashes that of the events.
sessions_hashed as (
    select
        *,
        {{ pseudonym('session_id') }} as hashed_session_id
    from buyers_numbered
),

purchases_put_into_orders as (
    select
        *,
        case
            when buyer_number = 1 then hashed_session_id
            else {{ dbt.concat(['hashed_session_id', "'-'", 'cast(buyer_number as ' ~ dbt.type_string() ~ ')']) }}
        end as order_id
    from sessions_hashed
),

-- Rows equal in everything are copies: nobody buys twice in a second, and the log repeats views and carts as well. Rows of
-- one item at different seconds are pieces bought one after the other, a line each.
lines_numbered as (
    select
        order_id,
        dense_rank() over (
            partition by order_id, item_id
            order by occurred_at, row_key
        ) as line_number,
        row_number() over (
            partition by row_key
            order by row_key
        ) as copy_number,
        user_id,
        item_id,
        1 as quantity,
        price_amount as sales_amount,
        case when price_amount <= 0 then 'non_positive_price' end as reject_reason,
        occurred_at as ordered_at
    from purchases_put_into_orders
)

select * from lines_numbered
