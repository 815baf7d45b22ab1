-- One row per item and week in the leaflet.
with

promotions as (
    select
        item_id,
        week_start,
        leaflet_page
    from {{ source('simulated', 'promotions') }}
),

pages_coded as (
    select
        item_id,
        'WEB' as store_id,
        '0' as display_code,
        case leaflet_page when 'front' then 'D' else 'A' end as mailer_code,
        week_start as week_start_date
    from promotions
)

select * from pages_coded
