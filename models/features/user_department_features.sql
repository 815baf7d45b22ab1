-- One row per user and department bought from before the as-of date.
with

int_order_lines_as_of as (
    select
        user_id,
        department,
        sales_usd,
        as_of_date
    from {{ ref('int_order_lines_as_of') }}
),

lines_grouped_by_user_and_department as (
    select
        user_id,
        department,
        as_of_date,
        count(*) as line_count,
        sum(sales_usd) as sales_usd
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
        cast(sales_usd as double) as sales_usd,
        sales_usd / nullif(sum(sales_usd) over (partition by user_id), 0) as sales_share,
        as_of_date
    from lines_grouped_by_user_and_department
)

select * from department_shares
