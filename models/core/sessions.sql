-- One row per session; in this source a session is one visit to a till, that is a basket.
with

events as (
    select
        user_id,
        item_id,
        session_id,
        event_type,
        amount,
        occurred_at
    from {{ ref('events') }}
),

events_grouped_by_session as (
    select
        session_id,
        min(user_id) as user_id,
        count(*) as event_count,
        count(distinct item_id) as item_count,
        sum(case when event_type = 'purchase' then 1 else 0 end) as purchase_count,
        cast(
            sum(case when event_type = 'purchase' then amount else 0 end) as decimal(18, 2)
        ) as purchase_amount,
        max(case when event_type = 'purchase' then 1 else 0 end) = 1 as is_converted,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from events
    group by session_id
),

sessions_timed as (
    select
        session_id,
        user_id,
        event_count,
        item_count,
        purchase_count,
        purchase_amount,
        {{ dbt.datediff('started_at', 'ended_at', 'second') }} as duration_seconds,
        is_converted,
        started_at,
        ended_at
    from events_grouped_by_session
)

select * from sessions_timed
