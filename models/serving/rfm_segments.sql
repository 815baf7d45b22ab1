-- One row per user known at the as-of date, with the rule-based segment.
with

user_features as (
    select
        user_id,
        recency_days,
        order_count,
        monetary_amount,
        recency_score,
        frequency_score,
        monetary_score,
        as_of_date
    from {{ ref('user_features') }}
),

-- First matching rule wins. R, F and M run from 1 to 5, 5 is best.
users_segmented as (
    select
        user_id,
        case
            when order_count = 0 then 'Not yet buying'
            when recency_score >= 4 and frequency_score >= 4 and monetary_score >= 4 then 'Champions'
            when recency_score >= 3 and frequency_score >= 4 then 'Loyal'
            when recency_score >= 4 and frequency_score >= 2 then 'Potential loyalists'
            when recency_score >= 4 then 'Occasional'
            when recency_score = 3 then 'Needs attention'
            when frequency_score >= 4 then 'At risk'
            when recency_score = 2 then 'Fading'
            else 'Lapsed'
        end as segment,
        recency_days,
        order_count,
        monetary_amount,
        recency_score,
        frequency_score,
        monetary_score,
        as_of_date
    from user_features
)

select * from users_segmented
