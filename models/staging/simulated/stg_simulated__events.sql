-- One row per raw act of a visitor, numbered where it was delivered twice.
with

events as (
    select
        event_id,
        visitor_id,
        user_id,
        item_id,
        event_type,
        channel,
        device,
        search_text,
        list_position,
        quantity,
        price,
        occurred_at
    from {{ source('simulated', 'events') }}
),

copies_numbered as (
    select
        cast(event_id as {{ dbt.type_string() }}) as event_key,
        -- By the event's own key: a window over the whole row would have to hold every text of it.
        row_number() over (
            partition by event_id
            order by
                occurred_at, event_type, visitor_id, user_id, item_id, channel, device, search_text, list_position,
                quantity, price
        ) as copy_number,
        user_id,
        visitor_id,
        item_id,
        channel,
        device,
        search_text as query,
        list_position as position,
        quantity,
        cast(price as decimal(18, 2)) as price_amount,
        event_type,
        occurred_at
    from events
)

select * from copies_numbered
