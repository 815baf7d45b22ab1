-- One row per act of interest in an item, in the newest session of a browser that no user is known behind.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

items as (
    select item_id
    from {{ ref('items') }}
),

-- An order is no browser's, so a guest's basket at a till has no row: nothing can be shown there any more.
events as (
    select
        event_id,
        visitor_id,
        item_id,
        session_id,
        event_type,
        occurred_at
    from {{ ref('events') }}
    where
        user_id is null
        and visitor_id is not null
        and event_type in ('view', 'click', 'share', 'wishlist', 'cart')
),

events_as_of as (
    select
        events.event_id,
        events.visitor_id,
        events.item_id,
        events.session_id,
        events.event_type,
        as_of_dates.as_of_date,
        events.occurred_at
    from events
    inner join as_of_dates
        on
            events.occurred_at < as_of_dates.as_of_date
            and events.occurred_at >= {{ add_days('as_of_dates.as_of_date', -var('anonymous_session_days')) }}
    inner join items on events.item_id = items.item_id
),

sessions_of_visitors as (
    select
        visitor_id,
        session_id,
        max(occurred_at) as last_at
    from events_as_of
    group by
        visitor_id,
        session_id
),

newest_sessions as (
    select
        visitor_id,
        session_id
    from sessions_of_visitors
    qualify row_number() over (
        partition by visitor_id
        order by last_at desc, session_id asc
    ) = 1
),

-- Whose session it was stays behind: a list is made of the one session alone.
acts_of_newest_sessions as (
    select
        events_as_of.event_id,
        events_as_of.session_id,
        events_as_of.item_id,
        events_as_of.event_type,
        events_as_of.as_of_date,
        events_as_of.occurred_at
    from events_as_of
    inner join newest_sessions
        on
            events_as_of.visitor_id = newest_sessions.visitor_id
            and events_as_of.session_id = newest_sessions.session_id
)

select * from acts_of_newest_sessions
