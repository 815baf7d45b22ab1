-- One row per item, week, shelf display and leaflet position, with its stores counted.
with

promotion_stores as (
    select
        item_id,
        display_code,
        mailer_code,
        week_start_date
    from {{ ref('promotion_stores') }}
),

items as (
    select item_id
    from {{ ref('items') }}
),

stores_counted as (
    select
        item_id,
        display_code,
        mailer_code,
        count(*) as store_count,
        display_code <> '0' as is_displayed,
        mailer_code <> '0' as is_in_mailer,
        week_start_date
    from promotion_stores
    group by
        item_id,
        display_code,
        mailer_code,
        week_start_date
),

-- Counted first: the rows are a hundred times as many as the groups. rejected_rows has the others.
promotions_of_listed_items as (
    select stores_counted.*
    from stores_counted
    inner join items on stores_counted.item_id = items.item_id
    where stores_counted.week_start_date is not null
)

select * from promotions_of_listed_items
