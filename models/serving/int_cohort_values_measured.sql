-- One row per cohort of enough users: what those who were in it some months ago have spent since, on average.
{{ config(schema='intermediate', contract={'enforced': false}) }}

with

as_of_dates as (
    select
        as_of_date,
        cast({{ dbt.dateadd('day', -var('expected_value_days'), 'as_of_date') }} as date) as counted_from
    from {{ ref('as_of_dates') }}
),

cohort_memberships as (
    select
        user_id,
        cohort_id,
        valid_from,
        valid_to
    from {{ ref('cohort_memberships') }}
),

orders as (
    select
        user_id,
        sales_amount,
        ordered_at
    from {{ ref('orders') }}
),

members_then as (
    select
        cohort_memberships.user_id,
        cohort_memberships.cohort_id,
        as_of_dates.counted_from,
        as_of_dates.as_of_date
    from cohort_memberships
    cross join as_of_dates
    where
        cohort_memberships.valid_from <= as_of_dates.counted_from
        and (cohort_memberships.valid_to is null or cohort_memberships.valid_to > as_of_dates.counted_from)
),

-- Who bought nothing since counts with nothing.
members_joined_to_orders as (
    select
        members_then.cohort_id,
        members_then.user_id,
        coalesce(sum(orders.sales_amount), 0) as sales_amount
    from members_then
    left join orders
        on
            members_then.user_id = orders.user_id
            and members_then.counted_from <= orders.ordered_at
            and members_then.as_of_date > orders.ordered_at
    group by
        members_then.cohort_id,
        members_then.user_id
),

members_grouped_by_cohort as (
    select
        cohort_id,
        cast(avg(sales_amount) as double) as expected_sales_amount
    from members_joined_to_orders
    group by cohort_id
    having count(*) >= {{ var('min_cohort_users') }}
)

select * from members_grouped_by_cohort
