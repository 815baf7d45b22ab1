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
)

select * from stores_counted
