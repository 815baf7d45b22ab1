-- Weekday, hour, department, cohort and interest shares each cover everything once.
{{ config(meta={'dagster': {'ref': {'name': 'cohorts'}}}) }}
with

user_shares as (
    select
        user_id,
        monday_order_share + tuesday_order_share + wednesday_order_share + thursday_order_share
        + friday_order_share + saturday_order_share + sunday_order_share as weekday_shares,
        morning_order_share + afternoon_order_share + evening_order_share + night_order_share as hour_shares
    from {{ ref('user_features') }}
),

department_shares as (
    select
        user_id,
        sum(sales_share) as department_shares
    from {{ ref('user_department_features') }}
    group by user_id
),

cohort_shares as (
    select
        sum(user_share) as user_shares,
        sum(sales_share) as sales_shares
    from {{ ref('cohorts') }}
),

interest_shares as (
    select
        user_id,
        sum(share) as interest_shares
    from {{ ref('user_interests') }}
    group by user_id
),

interest_shares_of_cohorts as (
    select
        cohort_id,
        sum(mean_share) as interest_shares
    from {{ ref('cohort_interests') }}
    group by cohort_id
),

sums as (
    select
        'weekdays of user ' || user_id as what,
        weekday_shares as share_sum
    from user_shares
    union all
    select
        'hours of user ' || user_id as what,
        hour_shares as share_sum
    from user_shares
    union all
    select
        'departments of user ' || user_id as what,
        department_shares as share_sum
    from department_shares
    union all
    select
        'users of cohorts' as what,
        user_shares as share_sum
    from cohort_shares
    union all
    select
        'sales of cohorts' as what,
        sales_shares as share_sum
    from cohort_shares
    union all
    select
        'interests of user ' || user_id as what,
        interest_shares as share_sum
    from interest_shares
    union all
    select
        'interests of cohort ' || cohort_id as what,
        interest_shares as share_sum
    from interest_shares_of_cohorts
)

select *
from sums
where abs(share_sum - 1) > 0.000001
