-- One row per month of first purchase and complete month since: who came back, and what they spent.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

orders as (
    select
        user_id,
        cast({{ dbt.date_trunc('month', 'ordered_at') }} as date) as order_month,
        sales_amount
    from {{ ref('orders') }}
    where user_id is not null
),

-- Which of two orders of one month is the first changes no count, so no tie needs breaking.
orders_numbered as (
    select
        user_id,
        order_month,
        sales_amount,
        min(order_month) over (partition by user_id) as cohort_month,
        row_number() over (
            partition by user_id
            order by order_month
        ) as order_number
    from orders
),

cohorts_counted as (
    select
        cohort_month,
        count(*) as user_count
    from orders_numbered
    where order_number = 1
    group by cohort_month
),

-- Numbers of months, for two hundred years: months without any order have a row as well.
month_numbers as (
    select cast(generated_number - 1 as integer) as cohort_month_number
    from ({{ dbt.generate_series(2400) }}) as generated
),

-- A month still running at the as-of date is left out, with the users it brings: its numbers would only be low for
-- being young.
cohorts_followed as (
    select
        month_numbers.cohort_month_number,
        cohorts_counted.user_count,
        cohorts_counted.cohort_month,
        cast({{ dbt.dateadd('month', 'month_numbers.cohort_month_number', 'cohorts_counted.cohort_month') }} as date)
            as order_month,
        as_of_dates.as_of_date
    from cohorts_counted
    cross join as_of_dates
    inner join month_numbers
        on
            month_numbers.cohort_month_number
            < {{ dbt.datediff('cohorts_counted.cohort_month', 'as_of_dates.as_of_date', 'month') }}
),

activity as (
    select
        cohort_month,
        order_month,
        count(distinct user_id) as active_user_count,
        sum(case when order_number = 2 then 1 else 0 end) as new_repeat_user_count,
        count(*) as order_count,
        sum(sales_amount) as sales_amount
    from orders_numbered
    group by
        cohort_month,
        order_month
),

activity_joined_to_cohorts as (
    select
        cohorts_followed.cohort_month_number,
        cohorts_followed.user_count,
        coalesce(activity.active_user_count, 0) as active_user_count,
        coalesce(activity.new_repeat_user_count, 0) as new_repeat_user_count,
        coalesce(activity.order_count, 0) as order_count,
        cast(coalesce(activity.sales_amount, 0) as decimal(18, 2)) as sales_amount,
        cohorts_followed.cohort_month,
        cohorts_followed.as_of_date
    from cohorts_followed
    left join activity
        on
            cohorts_followed.cohort_month = activity.cohort_month
            and cohorts_followed.order_month = activity.order_month
),

activity_added_up as (
    select
        cohort_month_number,
        user_count,
        active_user_count,
        order_count,
        sales_amount,
        cohort_month,
        as_of_date,
        sum(new_repeat_user_count) over months_so_far as repeat_user_count,
        sum(sales_amount) over months_so_far as cumulative_sales_amount
    from activity_joined_to_cohorts
    window months_so_far as (
        partition by cohort_month
        order by cohort_month_number rows unbounded preceding
    )
),

shares_calculated as (
    select
        cohort_month_number,
        user_count,
        active_user_count,
        cast(repeat_user_count as bigint) as repeat_user_count,
        cast(active_user_count as double) / user_count as retention_share,
        cast(repeat_user_count as double) / user_count as repeat_share,
        order_count,
        sales_amount,
        cast(cumulative_sales_amount as double) / user_count as cumulative_mean_sales_amount,
        cohort_month,
        as_of_date
    from activity_added_up
)

select * from shares_calculated
