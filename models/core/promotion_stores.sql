-- One row per item, store, week, shelf display and leaflet position.
-- A view: a copy of the 21 million rows would take longer to write than all other tables together.
{{ config(materialized='view') }}

with

promotions as (
    select
        item_id,
        store_id,
        display_code,
        mailer_code,
        week_start_date
    from {{ staging('promotions') }}
)

select * from promotions
