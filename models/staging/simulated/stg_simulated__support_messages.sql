-- One row per raw message.
with

support_messages as (
    select
        message_id,
        conversation_id,
        user_id,
        order_id,
        item_id,
        channel,
        subject,
        body,
        language,
        direction,
        sent_at
    from {{ source('simulated', 'support_messages') }}
),

messages_typed as (
    select
        message_id,
        row_number() over (
            partition by message_id, conversation_id, user_id, order_id, item_id, channel, subject, body, language, direction, sent_at
            -- Equal rows differ in nothing, so any order keeps the same one.
            order by message_id
        ) as copy_number,
        conversation_id,
        user_id,
        order_id,
        item_id,
        channel,
        subject,
        body,
        language,
        direction = 'in' as is_from_user,
        {{ read_time('sent_at') }} as sent_at
    from support_messages
)

select * from messages_typed
