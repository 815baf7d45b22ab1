-- One row per act of a user: what was looked at, put into a cart, bought, sent back.
with

order_lines as (
    select
        order_line_id,
        order_id,
        user_id,
        item_id,
        unit_count,
        sales_amount,
        ordered_at
    from {{ ref('order_lines') }}
),

order_returns as (
    select
        order_return_id,
        return_order_id,
        user_id,
        item_id,
        quantity,
        refund_amount,
        returned_at
    from {{ ref('order_returns') }}
),

int_events_checked as (
    select
        event_key,
        user_id,
        item_id,
        session_id,
        event_type,
        occurred_at
    from {{ ref('int_events_checked') }}
    where reason_code is null
),

events_stacked as (
    select
        order_line_id as event_id,
        user_id,
        item_id,
        -- Where the platform logs nothing else, an order is the only session it sees.
        order_id as session_id,
        order_id,
        'purchase' as event_type,
        unit_count,
        sales_amount as amount,
        ordered_at as occurred_at
    from order_lines
    union all
    select
        order_return_id as event_id,
        user_id,
        item_id,
        return_order_id as session_id,
        return_order_id as order_id,
        'return' as event_type,
        quantity as unit_count,
        refund_amount as amount,
        returned_at as occurred_at
    from order_returns
    union all
    select
        {{ generate_surrogate_key(['event_key', 'user_id', 'event_type']) }} as event_id,
        user_id,
        item_id,
        session_id,
        cast(null as {{ dbt.type_string() }}) as order_id,
        event_type,
        cast(null as bigint) as unit_count,
        cast(null as decimal(18, 2)) as amount,
        occurred_at
    from int_events_checked
)

select * from events_stacked
