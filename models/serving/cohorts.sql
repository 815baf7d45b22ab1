-- One row per cohort: its size, what its users spend, and what sets it apart in plain words.
with

user_cohorts as (
    select
        user_id,
        cohort_id,
        cohort_name,
        cohort_method,
        model_version,
        as_of_date
    from {{ ref('user_cohorts') }}
),

orders as (
    select
        user_id,
        sales_amount,
        ordered_at
    from {{ ref('orders') }}
),

cohort_descriptions as (
    select
        cohort_id,
        description,
        description_source,
        as_of_date
    from {{ source('ml', 'cohort_descriptions') }}
),

int_cohort_values_measured as (
    select
        cohort_id,
        expected_sales_amount
    from {{ ref('int_cohort_values_measured') }}
),

users_joined_to_orders as (
    select
        user_cohorts.user_id,
        user_cohorts.cohort_id,
        user_cohorts.cohort_name,
        user_cohorts.cohort_method,
        user_cohorts.model_version,
        user_cohorts.as_of_date,
        count(orders.ordered_at) as order_count,
        coalesce(sum(orders.sales_amount), 0) as sales_amount
    from user_cohorts
    left join orders
        on
            user_cohorts.user_id = orders.user_id
            and user_cohorts.as_of_date > orders.ordered_at
    group by
        user_cohorts.user_id,
        user_cohorts.cohort_id,
        user_cohorts.cohort_name,
        user_cohorts.cohort_method,
        user_cohorts.model_version,
        user_cohorts.as_of_date
),

users_grouped_by_cohort as (
    select
        cohort_id,
        cohort_name,
        cohort_method,
        model_version,
        as_of_date,
        count(*) as user_count,
        sum(order_count) as order_count,
        sum(sales_amount) as sales_amount
    from users_joined_to_orders
    group by
        cohort_id,
        cohort_name,
        cohort_method,
        model_version,
        as_of_date
),

cohorts_shared as (
    select
        cohort_id,
        cohort_name,
        cohort_method,
        model_version,
        user_count,
        cast(user_count as double) / sum(user_count) over () as user_share,
        cast(order_count as bigint) as order_count,
        cast(sales_amount as double) as sales_amount,
        sales_amount / nullif(sum(sales_amount) over (), 0) as sales_share,
        sales_amount / user_count as mean_sales_amount,
        cast(order_count as double) / user_count as mean_order_count,
        sales_amount / nullif(order_count, 0) as mean_order_amount,
        as_of_date
    from users_grouped_by_cohort
),

-- A description of another day tells of other users.
cohorts_joined_to_descriptions as (
    select
        cohorts_shared.cohort_id,
        cohorts_shared.cohort_name,
        cohort_descriptions.description,
        cohort_descriptions.description_source,
        cohorts_shared.cohort_method,
        cohorts_shared.model_version,
        '{{ shop_adapter().currency }}' as currency,
        cohorts_shared.user_count,
        cohorts_shared.user_share,
        cohorts_shared.order_count,
        cohorts_shared.sales_amount,
        cohorts_shared.sales_share,
        cohorts_shared.mean_sales_amount,
        cohorts_shared.mean_order_count,
        cohorts_shared.mean_order_amount,
        int_cohort_values_measured.expected_sales_amount,
        cohorts_shared.as_of_date
    from cohorts_shared
    left join cohort_descriptions
        on
            cohorts_shared.cohort_id = cohort_descriptions.cohort_id
            and cohorts_shared.as_of_date = cohort_descriptions.as_of_date
    left join int_cohort_values_measured on cohorts_shared.cohort_id = int_cohort_values_measured.cohort_id
)

select * from cohorts_joined_to_descriptions
