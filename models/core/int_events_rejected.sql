-- One row per staged event that is kept out of core: by a rule on the row, or because a bot made it.
{{ config(materialized='view') }}

with

int_events_checked as (
    select
        event_id,
        event_key,
        copy_number,
        user_id,
        visitor_id,
        item_id,
        session_id,
        channel,
        device,
        query,
        event_type,
        reason_code,
        position,
        quantity,
        price_amount,
        occurred_at
    from {{ ref('int_events_checked') }}
    where reason_code is not null
),

int_events_sessionised as (
    select
        event_id,
        event_key,
        1 as copy_number,
        account_user_id as user_id,
        visitor_id,
        item_id,
        platform_session_id as session_id,
        channel,
        device,
        query,
        event_type,
        'bot' as reason_code,
        position,
        unit_count as quantity,
        price_amount,
        occurred_at
    from {{ ref('int_events_sessionised') }}
    where is_bot
),

rejections_stacked as (
    select * from int_events_checked
    union all
    select * from int_events_sessionised
)

select * from rejections_stacked
