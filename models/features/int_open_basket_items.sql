-- One row per user who may be profiled and item that lies in the user's cart and was put there since the last order.
{{ config(materialized='view', contract={'enforced': false}) }}

with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

events as (
    select
        user_id,
        item_id,
        event_type,
        occurred_at
    from {{ ref('events') }}
    where event_type in ('cart', 'remove_from_cart')
),

items as (
    select item_id
    from {{ ref('items') }}
),

int_users_profiled as (
    select user_id
    from {{ ref('int_users_profiled') }}
),

last_orders as (
    select
        user_id,
        max(ordered_at) as last_ordered_at
    from {{ ref('int_orders_as_of') }}
    group by user_id
),

-- A cart left for so long is not open any more; what the last order did not hold is not wanted any more.
events_since_last_order as (
    select
        events.user_id,
        events.item_id,
        events.event_type,
        events.occurred_at,
        as_of_dates.as_of_date
    from events
    inner join as_of_dates on events.occurred_at < as_of_dates.as_of_date
    inner join items on events.item_id = items.item_id
    inner join int_users_profiled on events.user_id = int_users_profiled.user_id
    left join last_orders on events.user_id = last_orders.user_id
    where
        events.occurred_at >= {{ add_days('as_of_dates.as_of_date', -var('open_basket_days')) }}
        and coalesce(events.occurred_at > last_orders.last_ordered_at, true)
),

-- Of a second in which it was put in and taken out, nothing is left.
last_acts as (
    select *
    from events_since_last_order
    qualify row_number() over (
        partition by user_id, item_id
        order by occurred_at desc, event_type desc
    ) = 1
),

items_in_cart as (
    select
        user_id,
        item_id,
        as_of_date,
        occurred_at as put_in_at
    from last_acts
    where event_type = 'cart'
)

select * from items_in_cart
