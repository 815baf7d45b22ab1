-- One row per user with an order before the as-of date: how spending spreads over departments.
{{ config(materialized='view', contract={'enforced': false}) }}

with

user_department_features as (
    select
        user_id,
        department,
        sales_share
    from {{ ref('user_department_features') }}
),

departments_grouped_by_user as (
    select
        user_id,
        count(*) as distinct_department_count,
        -- A share of nothing is null: such a user has no spending to spread. A share of 0 adds nothing.
        -- Rounded, because the last digits of a sum of fractions depend on the order of the rows.
        case
            when count(sales_share) > 0
                then round(0 - sum(sales_share * ln(nullif(sales_share, 0))), 9)
        end as department_entropy
    from user_department_features
    group by user_id
)

select * from departments_grouped_by_user
