-- One row per purchase line before the as-of date whose item was promoted in that store and week.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_order_lines_as_of as (
    select
        order_line_id,
        item_id,
        store_id,
        week_start_date
    from {{ ref('int_order_lines_as_of') }}
),

-- A line's week starts before the line does, so the cut on lines cuts promotions too.
promotion_stores as (
    select
        item_id,
        store_id,
        week_start_date
    from {{ ref('promotion_stores') }}
),

order_lines_matched_to_promotions as (
    select distinct int_order_lines_as_of.order_line_id
    from promotion_stores
    inner join int_order_lines_as_of
        on
            promotion_stores.item_id = int_order_lines_as_of.item_id
            and promotion_stores.store_id = int_order_lines_as_of.store_id
            and promotion_stores.week_start_date = int_order_lines_as_of.week_start_date
)

select * from order_lines_matched_to_promotions
