-- One row per user with at least two shopping days before the as-of date: the days between them.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_orders_as_of as (
    select distinct
        user_id,
        order_date
    from {{ ref('int_orders_as_of') }}
),

shopping_days_with_previous as (
    select
        user_id,
        order_date,
        lag(order_date) over (
            partition by user_id
            order by order_date
        ) as previous_order_date
    from int_orders_as_of
),

gaps as (
    select
        user_id,
        {{ dbt.datediff('previous_order_date', 'order_date', 'day') }} as gap_days
    from shopping_days_with_previous
    where previous_order_date is not null
),

gaps_grouped_by_user as (
    select
        user_id,
        avg(gap_days) as mean_interpurchase_days,
        percentile_cont(0.5) within group (
            order by gap_days
        ) as median_interpurchase_days,
        -- From whole-number sums, so that the result does not depend on the order of the rows.
        sqrt(
            (sum(gap_days * gap_days) - cast(sum(gap_days) * sum(gap_days) as double) / count(*))
            / nullif(count(*) - 1, 0)
        ) as stddev_interpurchase_days
    from gaps
    group by user_id
)

select * from gaps_grouped_by_user
