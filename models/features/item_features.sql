-- One row per item the shop lists, with everything known of it by the as-of date.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

items as (
    select
        item_id,
        manufacturer_id,
        title,
        department,
        category,
        item_type,
        brand,
        package_size,
        is_recommendable
    from {{ ref('items') }}
),

int_item_lines_summarised as (select * from {{ ref('int_item_lines_summarised') }}),

int_item_buyers_summarised as (select * from {{ ref('int_item_buyers_summarised') }}),

int_item_promotions_summarised as (select * from {{ ref('int_item_promotions_summarised') }}),

items_joined_to_summaries as (
    select
        items.item_id,
        items.manufacturer_id,
        items.title,
        items.department,
        items.category,
        items.item_type,
        items.brand,
        items.package_size,
        cast(coalesce(lines.order_line_count, 0) as bigint) as order_line_count,
        cast(coalesce(buyers.user_count, 0) as bigint) as user_count,
        cast(coalesce(lines.order_count, 0) as bigint) as order_count,
        cast(coalesce(lines.unit_count, 0) as double) as unit_count,
        cast(coalesce(lines.sales_amount, 0) as double) as sales_amount,
        cast(lines.sales_amount / lines.unit_count as double) as mean_unit_price,
        cast(lines.discount_line_share as double) as discount_line_share,
        cast(buyers.repurchase_share as double) as repurchase_share,
        cast(coalesce(lines.line_count_28d, 0) as bigint) as line_count_28d,
        cast(coalesce(lines.line_count_91d, 0) as bigint) as line_count_91d,
        cast(coalesce(promotions.promoted_week_count, 0) as bigint) as promoted_week_count,
        items.is_recommendable,
        lines.first_sold_date,
        lines.last_sold_date,
        as_of_dates.as_of_date
    from items
    cross join as_of_dates
    left join int_item_lines_summarised as lines on items.item_id = lines.item_id
    left join int_item_buyers_summarised as buyers on items.item_id = buyers.item_id
    left join int_item_promotions_summarised as promotions on items.item_id = promotions.item_id
)

select * from items_joined_to_summaries
