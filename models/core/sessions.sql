-- One row per session: a visit, or one basket where the platform sees whole baskets alone.
-- Rebuilt whole by grouping: a session's events may change on any day that an identity is learnt.
{%- set idle_seconds = var('idle_limit_seconds') | int %}
with

events as {{ inlined() }} (
    select
        event_id,
        user_id,
        visitor_id,
        item_id,
        session_id,
        channel,
        device,
        event_type,
        amount,
        occurred_at
    from {{ ref('events') }}
),

int_events_sessionised as (
    select session_id
    from {{ ref('int_events_sessionised') }}
    where is_bot
),

bot_sessions as (
    select session_id
    from int_events_sessionised
    group by session_id
),

-- What a session is made of is counted in three groupings, one after the other: each has to hold a row a session in
-- memory, and one that does all of it at once is several times as wide.
events_grouped_by_session as (
    select
        session_id,
        min(user_id) as user_id,
        max(user_id) as last_user_id,
        min(visitor_id) as visitor_id,
        count(*) as event_count,
        count(case when event_type = 'view' then 1 end) as view_count,
        count(case when event_type = 'search' then 1 end) as search_count,
        count(case when event_type = 'cart' then 1 end) as cart_count,
        count(case when event_type = 'remove_from_cart' then 1 end) as remove_from_cart_count,
        count(case when event_type = 'wishlist' then 1 end) as wishlist_count,
        count(case when event_type = 'purchase' then 1 end) as purchase_count,
        cast(
            sum(case when event_type = 'purchase' then amount else 0 end) as decimal(18, 2)
        ) as purchase_amount,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from events
    group by session_id
),

ends_of_sessions as (
    select
        session_id,
        {{ first_by('item_id', event_order('occurred_at', 'event_id')) }} as landing_item_id,
        {{ last_by('item_id', event_order('occurred_at', 'event_id')) }} as exit_item_id,
        {{ first_by('channel', event_order('occurred_at', 'event_id')) }} as channel,
        {{ first_by('device', event_order('occurred_at', 'event_id')) }} as device
    from events
    group by session_id
),

session_items as (
    select
        session_id,
        item_id
    from events
    group by
        session_id,
        item_id
),

items_grouped_by_session as (
    select
        session_id,
        count(item_id) as item_count
    from session_items
    group by session_id
),

-- Pauses within a bucket are below the limit and add up to its span; only those between buckets can exceed it.
buckets as (
    select
        session_id,
        {{ time_bucket('occurred_at', idle_seconds) }} as bucket,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from events
    group by
        session_id,
        {{ time_bucket('occurred_at', idle_seconds) }}
),

buckets_compared as (
    select
        session_id,
        first_at,
        last_at,
        lag(last_at) over (
            partition by session_id
            order by bucket
        ) as previous_at
    from buckets
),

attention as (
    select
        session_id,
        cast(sum(
            {{ dbt.datediff('first_at', 'last_at', 'second') }}
            + case
                when previous_at is null then 0
                when {{ dbt.datediff('previous_at', 'first_at', 'second') }} > {{ idle_seconds }} then {{ idle_seconds }}
                else {{ dbt.datediff('previous_at', 'first_at', 'second') }}
            end
        ) as bigint) as engaged_seconds
    from buckets_compared
    group by session_id
),

sessions_timed as (
    select
        events_grouped_by_session.*,
        ends_of_sessions.landing_item_id,
        ends_of_sessions.exit_item_id,
        ends_of_sessions.channel,
        ends_of_sessions.device,
        items_grouped_by_session.item_count,
        attention.engaged_seconds,
        {{ dbt.datediff('events_grouped_by_session.started_at', 'events_grouped_by_session.ended_at', 'second') }}
            as duration_seconds,
        bot_sessions.session_id is not null as is_bot
    from events_grouped_by_session
    inner join ends_of_sessions on events_grouped_by_session.session_id = ends_of_sessions.session_id
    inner join items_grouped_by_session
        on events_grouped_by_session.session_id = items_grouped_by_session.session_id
    inner join attention on events_grouped_by_session.session_id = attention.session_id
    left join bot_sessions on events_grouped_by_session.session_id = bot_sessions.session_id
),

sessions_judged as (
    select
        session_id,
        user_id,
        visitor_id,
        landing_item_id,
        exit_item_id,
        channel,
        device,
        event_count,
        item_count,
        view_count,
        search_count,
        cart_count,
        remove_from_cart_count,
        wishlist_count,
        purchase_count,
        purchase_amount,
        duration_seconds,
        engaged_seconds,
        purchase_count > 0 as is_converted,
        cart_count > 0 and purchase_count = 0 as is_cart_abandoned,
        is_bot,
        coalesce(user_id <> last_user_id, false)
        or duration_seconds > 3600 * {{ var('session_max_hours') }} as is_impossible,
        started_at,
        ended_at
    from sessions_timed
)

select * from sessions_judged
