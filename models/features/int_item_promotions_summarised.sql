-- One row per item promoted in a week that started before the as-of date.
{{ config(materialized='view', contract={'enforced': false}) }}

with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

promotions as (
    select
        item_id,
        week_start_date
    from {{ ref('promotions') }}
),

promotions_grouped_by_item as (
    select
        promotions.item_id,
        count(distinct promotions.week_start_date) as promoted_week_count
    from promotions
    inner join as_of_dates on promotions.week_start_date < as_of_dates.as_of_date
    group by promotions.item_id
)

select * from promotions_grouped_by_item
