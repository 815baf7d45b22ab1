-- One row per order that a user placed during a session or within the gap around it.
{{ config(schema='intermediate') }}

{%- set gap_minutes = var('session_gap_minutes') | int %}
with

orders as (
    select
        order_id,
        user_id,
        ordered_at
    from {{ ref('orders') }}
    where user_id is not null
),

int_events_sessionised as (
    select
        user_id,
        session_id,
        occurred_at,
        visit_started_at
    from {{ ref('int_events_sessionised') }}
    where user_id is not null
),

-- One session may hold several visits, and an order made in a long pause belongs to none of them.
sessions_spanned as (
    select
        user_id,
        session_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from int_events_sessionised
    group by
        user_id,
        session_id,
        visit_started_at
),

orders_near_sessions as (
    select
        orders.order_id,
        sessions_spanned.session_id,
        sessions_spanned.started_at,
        orders.ordered_at < sessions_spanned.started_at as is_ahead,
        case
            when orders.ordered_at < sessions_spanned.started_at
                then {{ dbt.datediff('orders.ordered_at', 'sessions_spanned.started_at', 'second') }}
            when orders.ordered_at > sessions_spanned.ended_at
                then {{ dbt.datediff('sessions_spanned.ended_at', 'orders.ordered_at', 'second') }}
            else 0
        end as seconds_apart
    from orders
    inner join sessions_spanned
        on
            orders.user_id = sessions_spanned.user_id
            and orders.ordered_at >= {{ dbt.dateadd('minute', -gap_minutes, 'sessions_spanned.started_at') }}
            and orders.ordered_at <= {{ dbt.dateadd('minute', gap_minutes, 'sessions_spanned.ended_at') }}
),

-- The session that had begun, and of several the nearest; only else the one that begins next.
sessions_ranked as (
    select
        order_id,
        session_id,
        row_number() over (
            partition by order_id
            order by is_ahead asc, seconds_apart asc, started_at desc, session_id asc
        ) as place
    from orders_near_sessions
),

orders_sessionised as (
    select
        order_id,
        session_id
    from sessions_ranked
    where place = 1
)

select * from orders_sessionised
