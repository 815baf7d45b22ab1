-- Each buyer of a complete month is acquired once, and each order of a complete month is counted once.
{{ config(meta={'dagster': {'ref': {'name': 'acquisition_cohorts'}}}) }}
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

complete_months as (
    select
        count(distinct orders.user_id) as user_count,
        count(*) as order_count,
        sum(orders.sales_amount) as sales_amount
    from {{ ref('orders') }} as orders
    inner join as_of_dates on orders.ordered_at < {{ dbt.date_trunc('month', 'as_of_dates.as_of_date') }}
    where orders.user_id is not null
),

cohorts_summed as (
    select
        sum(case when cohort_month_number = 0 then user_count else 0 end) as user_count,
        sum(order_count) as order_count,
        sum(sales_amount) as sales_amount
    from {{ ref('acquisition_cohorts') }}
)

select
    complete_months.*,
    cohorts_summed.user_count as cohort_user_count,
    cohorts_summed.order_count as cohort_order_count,
    cohorts_summed.sales_amount as cohort_sales_amount
from complete_months
cross join cohorts_summed
where
    complete_months.user_count <> coalesce(cohorts_summed.user_count, 0)
    or complete_months.order_count <> coalesce(cohorts_summed.order_count, 0)
    or coalesce(complete_months.sales_amount, 0) <> coalesce(cohorts_summed.sales_amount, 0)
