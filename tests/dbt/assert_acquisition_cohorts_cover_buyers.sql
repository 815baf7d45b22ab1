-- Each buyer of a complete month is acquired once, each order of a complete month is counted once, and who has two of
-- them is counted as repeating in the last month of their cohort.
{{ config(meta={'dagster': {'ref': {'name': 'acquisition_cohorts'}}}) }}
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

complete_months_by_user as (
    select
        orders.user_id,
        count(*) as order_count,
        sum(orders.sales_amount) as sales_amount
    from {{ ref('orders') }} as orders
    inner join as_of_dates on orders.ordered_at < {{ dbt.date_trunc('month', 'as_of_dates.as_of_date') }}
    where orders.user_id is not null
    group by orders.user_id
),

complete_months as (
    select
        count(*) as user_count,
        coalesce(sum(case when order_count > 1 then 1 else 0 end), 0) as repeat_user_count,
        coalesce(sum(order_count), 0) as order_count,
        coalesce(sum(sales_amount), 0) as sales_amount
    from complete_months_by_user
),

cohorts as (
    select
        max(user_count) as user_count,
        max(repeat_user_count) as repeat_user_count,
        sum(order_count) as order_count,
        sum(sales_amount) as sales_amount
    from {{ ref('acquisition_cohorts') }}
    group by cohort_month
),

cohorts_summed as (
    select
        coalesce(sum(user_count), 0) as user_count,
        coalesce(sum(repeat_user_count), 0) as repeat_user_count,
        coalesce(sum(order_count), 0) as order_count,
        coalesce(sum(sales_amount), 0) as sales_amount
    from cohorts
)

select
    complete_months.*,
    cohorts_summed.user_count as cohort_user_count,
    cohorts_summed.repeat_user_count as cohort_repeat_user_count,
    cohorts_summed.order_count as cohort_order_count,
    cohorts_summed.sales_amount as cohort_sales_amount
from complete_months
cross join cohorts_summed
where
    complete_months.user_count <> cohorts_summed.user_count
    or complete_months.repeat_user_count <> cohorts_summed.repeat_user_count
    or complete_months.order_count <> cohorts_summed.order_count
    or complete_months.sales_amount <> cohorts_summed.sales_amount
