-- One row per month of first purchase and month since: who came back, and what they spent.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

orders as (
    select
        user_id,
        cast({{ dbt.date_trunc('month', 'ordered_at') }} as date) as order_month,
        sales_amount,
        ordered_at
    from {{ ref('orders') }}
    where user_id is not null
),

-- A month still running at the as-of date is left out: its numbers would only be low for being young.
orders_in_complete_months as (
    select
        orders.user_id,
        orders.order_month,
        orders.sales_amount
    from orders
    inner join as_of_dates
        on cast({{ dbt.dateadd('month', 1, 'orders.order_month') }} as date) <= as_of_dates.as_of_date
),

users_acquired as (
    select
        user_id,
        min(order_month) as cohort_month
    from orders_in_complete_months
    group by user_id
),

cohorts_counted as (
    select
        cohort_month,
        count(*) as user_count
    from users_acquired
    group by cohort_month
),

months as (
    select distinct order_month
    from orders_in_complete_months
),

activity as (
    select
        users_acquired.cohort_month,
        orders_in_complete_months.order_month,
        count(distinct orders_in_complete_months.user_id) as active_user_count,
        count(*) as order_count,
        sum(orders_in_complete_months.sales_amount) as sales_amount
    from orders_in_complete_months
    inner join users_acquired on orders_in_complete_months.user_id = users_acquired.user_id
    group by
        users_acquired.cohort_month,
        orders_in_complete_months.order_month
),

cohorts_followed as (
    select
        cast({{ dbt.datediff('cohorts_counted.cohort_month', 'months.order_month', 'month') }} as integer)
            as cohort_month_number,
        cohorts_counted.user_count,
        coalesce(activity.active_user_count, 0) as active_user_count,
        cast(coalesce(activity.active_user_count, 0) as double) / cohorts_counted.user_count
            as retention_share,
        coalesce(activity.order_count, 0) as order_count,
        cast(coalesce(activity.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cohorts_counted.cohort_month,
        as_of_dates.as_of_date
    from cohorts_counted
    cross join as_of_dates
    inner join months on cohorts_counted.cohort_month <= months.order_month
    left join activity
        on
            cohorts_counted.cohort_month = activity.cohort_month
            and months.order_month = activity.order_month
)

select * from cohorts_followed
