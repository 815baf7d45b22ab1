-- One row per user with an order before the as-of date: what the order lines tell.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_order_lines_as_of as (
    select
        order_line_id,
        user_id,
        category,
        is_private_brand,
        unit_count,
        list_amount,
        coupon_discount_amount,
        discount_amount,
        sales_amount,
        is_quantity_measured
    from {{ ref('int_order_lines_as_of') }}
    where user_id is not null
),

int_order_lines_promoted as (
    select order_line_id
    from {{ ref('int_order_lines_promoted') }}
),

lines_marked as (
    select
        int_order_lines_as_of.*,
        int_order_lines_promoted.order_line_id is not null as is_promoted
    from int_order_lines_as_of
    left join int_order_lines_promoted
        on int_order_lines_as_of.order_line_id = int_order_lines_promoted.order_line_id
),

lines_grouped_by_user as (
    select
        user_id,
        count(*) as line_count,
        count(distinct category) as distinct_category_count,
        sum(case when is_quantity_measured then 0 else sales_amount end)
        / nullif(sum(case when is_quantity_measured then 0 else unit_count end), 0) as mean_unit_price,
        avg(case when discount_amount > 0 then 1.0 else 0.0 end) as discount_line_share,
        sum(discount_amount) / nullif(sum(list_amount), 0) as discount_share,
        sum(coupon_discount_amount) / nullif(sum(discount_amount), 0) as coupon_discount_share,
        sum(case when is_private_brand then sales_amount else 0 end) / nullif(sum(sales_amount), 0)
            as private_brand_share,
        avg(case when is_promoted then 1.0 else 0.0 end) as promoted_line_share
    from lines_marked
    group by user_id
)

select * from lines_grouped_by_user
