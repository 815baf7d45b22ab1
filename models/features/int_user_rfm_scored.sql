-- One row per user with an order before the as-of date: recency, frequency and monetary scores of 1 to 5.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_user_orders_summarised as (
    select
        user_id,
        recency_days,
        order_count,
        monetary_amount
    from {{ ref('int_user_orders_summarised') }}
),

-- Cumulative shares, unlike ntile, give equal users equal scores.
users_scored as (
    select
        user_id,
        cast(ceil(5 * cume_dist() over (
            order by recency_days desc
        )) as integer) as recency_score,
        cast(ceil(5 * cume_dist() over (
            order by order_count
        )) as integer) as frequency_score,
        cast(ceil(5 * cume_dist() over (
            order by monetary_amount
        )) as integer) as monetary_score
    from int_user_orders_summarised
)

select * from users_scored
