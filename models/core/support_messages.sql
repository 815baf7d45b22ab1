-- One row per accepted message to or from customer service.
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
        is_from_user,
        sent_at
    from ({{ checked_rows('support_messages') }}) as checked_messages
    where reason_code is null
)

select * from support_messages
