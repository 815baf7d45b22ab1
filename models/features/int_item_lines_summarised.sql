-- One row per item sold before the as-of date: what its order lines tell.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_order_lines_as_of as (
    select
        item_id,
        order_id,
        unit_count,
        sales_amount,
        discount_amount,
        ordered_at,
        as_of_date
    from {{ ref('int_order_lines_as_of') }}
),

lines_dated as (
    select
        item_id,
        order_id,
        unit_count,
        sales_amount,
        discount_amount,
        cast(ordered_at as date) as order_date,
        {{ dbt.datediff('cast(ordered_at as date)', 'as_of_date', 'day') }} as days_before_as_of
    from int_order_lines_as_of
),

lines_grouped_by_item as (
    select
        item_id,
        count(*) as order_line_count,
        count(distinct order_id) as order_count,
        sum(unit_count) as unit_count,
        sum(sales_amount) as sales_amount,
        avg(case when discount_amount > 0 then 1.0 else 0.0 end) as discount_line_share,
        sum(case when days_before_as_of <= 28 then 1 else 0 end) as line_count_28d,
        sum(case when days_before_as_of <= 91 then 1 else 0 end) as line_count_91d,
        min(order_date) as first_sold_date,
        max(order_date) as last_sold_date
    from lines_dated
    group by item_id
)

select * from lines_grouped_by_item
