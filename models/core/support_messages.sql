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
),

int_user_aliases as (
    select
        user_id,
        person_user_id
    from {{ ref('int_user_aliases') }}
),

-- Several users of one person are that person.
messages_of_persons as (
    select
        support_messages.message_id,
        support_messages.conversation_id,
        coalesce(int_user_aliases.person_user_id, support_messages.user_id) as user_id,
        support_messages.order_id,
        support_messages.item_id,
        support_messages.channel,
        support_messages.subject,
        support_messages.body,
        support_messages.language,
        support_messages.is_from_user,
        support_messages.sent_at
    from support_messages
    left join int_user_aliases on support_messages.user_id = int_user_aliases.user_id
)

select * from messages_of_persons
