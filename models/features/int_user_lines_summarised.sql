-- One row per user with an order before the as-of date: what the order lines tell.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_order_lines_as_of as (
    select
        order_line_id,
        user_id,
        category,
        brand,
        unit_count,
        list_usd,
        coupon_discount_usd,
        discount_usd,
        sales_usd,
        is_quantity_measured
    from {{ ref('int_order_lines_as_of') }}
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
        sum(case when is_quantity_measured then 0 else sales_usd end)
        / nullif(sum(case when is_quantity_measured then 0 else unit_count end), 0) as mean_unit_price_usd,
        avg(case when discount_usd > 0 then 1.0 else 0.0 end) as discount_line_share,
        sum(discount_usd) / nullif(sum(list_usd), 0) as discount_share,
        sum(coupon_discount_usd) / nullif(sum(discount_usd), 0) as coupon_discount_share,
        sum(case when brand = 'private' then sales_usd else 0 end) / nullif(sum(sales_usd), 0)
            as private_brand_share,
        avg(case when is_promoted then 1.0 else 0.0 end) as promoted_line_share
    from lines_marked
    group by user_id
)

select * from lines_grouped_by_user
