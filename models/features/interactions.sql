-- One row per purchase line, and per act of interest in an item, of a user who may be profiled, before the as-of date.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

int_order_lines_as_of as (
    select
        order_line_id,
        user_id,
        item_id,
        order_id,
        unit_count,
        sales_amount,
        ordered_at,
        as_of_date
    from {{ ref('int_order_lines_as_of') }}
    where user_id is not null
),

int_users_profiled as (
    select user_id
    from {{ ref('int_users_profiled') }}
),

items as (
    select item_id
    from {{ ref('items') }}
),

-- How much an act counts where a purchase counts 1: an order of magnitude by convention, measured by nobody.
-- What is not here (purchases and returns, taking out of the cart, searching) is no sign of interest of its own.
events as (
    select
        event_id,
        user_id,
        item_id,
        event_type,
        case event_type
            when 'cart' then 0.5
            when 'wishlist' then 0.5
            when 'share' then 0.3
            when 'click' then 0.1
            when 'view' then 0.1
        end as weight,
        occurred_at
    from {{ ref('events') }}
),

events_as_of as (
    select
        events.event_id,
        events.user_id,
        events.item_id,
        events.event_type,
        events.weight,
        events.occurred_at,
        as_of_dates.as_of_date
    from events
    inner join as_of_dates on events.occurred_at < as_of_dates.as_of_date
    inner join items on events.item_id = items.item_id
    inner join int_users_profiled on events.user_id = int_users_profiled.user_id
    where events.weight is not null
),

interactions as (
    select
        order_line_id as interaction_id,
        user_id,
        item_id,
        order_id,
        'purchase' as event_type,
        cast(1 as double) as weight,
        cast(unit_count as double) as unit_count,
        cast(sales_amount as double) as sales_amount,
        as_of_date,
        ordered_at as interacted_at
    from int_order_lines_as_of
    union all
    select
        event_id as interaction_id,
        user_id,
        item_id,
        cast(null as {{ dbt.type_string() }}) as order_id,
        event_type,
        cast(weight as double) as weight,
        cast(0 as double) as unit_count,
        cast(0 as double) as sales_amount,
        as_of_date,
        occurred_at as interacted_at
    from events_as_of
)

select * from interactions
