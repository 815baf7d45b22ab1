-- One row per purchase line before the as-of date.
with

int_order_lines_as_of as (
    select
        order_line_id,
        user_id,
        item_id,
        order_id,
        unit_count,
        sales_amount,
        ordered_at,
        as_of_date
    from {{ ref('int_order_lines_as_of') }}
    where user_id is not null
),

interactions as (
    select
        order_line_id as interaction_id,
        user_id,
        item_id,
        order_id,
        'purchase' as event_type,
        cast(1 as double) as weight,
        cast(unit_count as double) as unit_count,
        cast(sales_amount as double) as sales_amount,
        as_of_date,
        ordered_at as interacted_at
    from int_order_lines_as_of
)

select * from interactions
