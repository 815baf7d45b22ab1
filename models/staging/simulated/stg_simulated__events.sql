-- One row per raw act of a visitor, numbered where it was delivered twice.
-- Only repeated events pass through a window, so that the rest of a large table streams by.
with

events as {{ inlined() }} (
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

repeated_ids as (
    select event_id
    from events
    group by event_id
    having count(*) > 1
),

events_numbered as (
    select
        events.*,
        1 as copy_number
    from events
    left join repeated_ids on events.event_id = repeated_ids.event_id
    where repeated_ids.event_id is null
    union all
    select
        events.*,
        row_number() over (
            partition by events.event_id
            order by
                events.occurred_at, events.event_type, events.visitor_id, events.user_id, events.item_id,
                events.channel, events.device, events.search_text, events.list_position, events.quantity,
                events.price
        ) as copy_number
    from events
    inner join repeated_ids on events.event_id = repeated_ids.event_id
),

events_renamed as (
    select
        cast(event_id as {{ dbt.type_string() }}) as event_key,
        copy_number,
        user_id,
        visitor_id,
        item_id,
        channel,
        device,
        search_text as query,
        list_position as position,
        quantity,
        {{ try_to_cast('price', 'decimal(18, 2)') }} as price_amount,
        event_type,
        occurred_at
    from events_numbered
)

select * from events_renamed
