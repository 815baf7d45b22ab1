-- One row per user and department bought from before the as-of date.
with

int_order_lines_as_of as (
    select
        user_id,
        department,
        sales_amount,
        as_of_date
    from {{ ref('int_order_lines_as_of') }}
    where user_id is not null
),

lines_grouped_by_user_and_department as (
    select
        user_id,
        department,
        as_of_date,
        count(*) as line_count,
        sum(sales_amount) as sales_amount
    from int_order_lines_as_of
    group by
        user_id,
        department,
        as_of_date
),

department_shares as (
    select
        user_id,
        department,
        line_count,
        cast(sales_amount as double) as sales_amount,
        sales_amount / nullif(sum(sales_amount) over (partition by user_id), 0) as sales_share,
        as_of_date
    from lines_grouped_by_user_and_department
)

select * from department_shares
