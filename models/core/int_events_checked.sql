-- One row per staged event, with the first reason to reject it, if any.
-- A table, so that ids are hashed and texts masked once, when a row is new. Rows without a possible time are of no day
-- and read every time.
{%- set accepted = 'reason_code is null' %}
{%- set of_no_day = "(occurred_at is null or occurred_at < cast('1900-01-01' as timestamp))" %}
{{ config(
    schema='intermediate',
    materialized='incremental',
    incremental_strategy='replace_window',
    on_schema_change='fail',
    meta={'window_column': 'occurred_at', 'known_rows': accepted, 'always': of_no_day}
) }}

with

events as (
    select
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
        position,
        quantity,
        price_amount,
        reject_reason,
        occurred_at
    from {{ staging('events') }}
    where {{ of_no_day }} or {{ in_window('occurred_at', known_rows=accepted) }}
),

events_checked as (
    select
        {{ generate_surrogate_key(['event_key', 'user_id', 'event_type']) }} as event_id,
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
        position,
        quantity,
        price_amount,
        occurred_at,
        case
            when occurred_at is null then 'unreadable_time'
            when occurred_at < cast('1900-01-01' as timestamp) then 'implausible_time'
            when occurred_at >= {{ future_begins_at() }} then 'future_time'
            when user_id is null and visitor_id is null then 'missing_user'
            when copy_number > 1 then 'exact_duplicate'
            when reject_reason is not null then reject_reason
            when coalesce(event_type, 'none') not in (
                'view', 'click', 'search', 'cart', 'remove_from_cart', 'wishlist', 'share'
            ) then 'unknown_event_type'
        end as reason_code
    from events
)

select * from events_checked
