-- One row per act of a user or visitor: what was looked at, put into a cart, bought, sent back.
-- A plain copy, not incremental: purchases follow order_lines wherever those change, and nothing here is computed.
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

int_orders_sessionised as (
    select
        order_id,
        session_id
    from {{ ref('int_orders_sessionised') }}
),

int_events_sessionised as (
    select
        event_id,
        user_id,
        visitor_id,
        item_id,
        session_id,
        channel,
        device,
        query,
        event_type,
        position,
        unit_count,
        price_amount,
        occurred_at
    from {{ ref('int_events_sessionised') }}
    where not is_bot
),

events_stacked as (
    select
        order_lines.order_line_id as event_id,
        order_lines.user_id,
        cast(null as {{ dbt.type_string() }}) as visitor_id,
        order_lines.item_id,
        -- Where the platform logs nothing else around it, an order is a session of its own.
        coalesce(int_orders_sessionised.session_id, order_lines.order_id) as session_id,
        order_lines.order_id,
        cast(null as {{ dbt.type_string() }}) as channel,
        cast(null as {{ dbt.type_string() }}) as device,
        cast(null as {{ dbt.type_string() }}) as query,
        'purchase' as event_type,
        cast(null as integer) as position,
        order_lines.unit_count,
        cast(null as decimal(18, 2)) as price_amount,
        order_lines.sales_amount as amount,
        order_lines.ordered_at as occurred_at
    from order_lines
    left join int_orders_sessionised on order_lines.order_id = int_orders_sessionised.order_id
    union all
    select
        order_return_id as event_id,
        user_id,
        cast(null as {{ dbt.type_string() }}) as visitor_id,
        item_id,
        return_order_id as session_id,
        return_order_id as order_id,
        cast(null as {{ dbt.type_string() }}) as channel,
        cast(null as {{ dbt.type_string() }}) as device,
        cast(null as {{ dbt.type_string() }}) as query,
        'return' as event_type,
        cast(null as integer) as position,
        quantity as unit_count,
        cast(null as decimal(18, 2)) as price_amount,
        refund_amount as amount,
        returned_at as occurred_at
    from order_returns
    union all
    select
        event_id,
        user_id,
        visitor_id,
        item_id,
        session_id,
        cast(null as {{ dbt.type_string() }}) as order_id,
        channel,
        device,
        query,
        event_type,
        position,
        unit_count,
        price_amount,
        cast(null as decimal(18, 2)) as amount,
        occurred_at
    from int_events_sessionised
)

select * from events_stacked
