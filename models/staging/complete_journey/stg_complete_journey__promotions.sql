-- One row per product, store, week, shelf display and leaflet position.
with

promotions as (
    select
        product_id,
        store_id,
        display_location,
        mailer_location,
        week
    from {{ source('complete_journey', 'promotions') }}
),

renamed as (
    select
        cast(product_id as {{ dbt.type_string() }}) as item_id,
        cast(store_id as {{ dbt.type_string() }}) as store_id,
        display_location as display_code,
        mailer_location as mailer_code,
        {{ complete_journey_week_start('week') }} as week_start_date
    from promotions
)

select * from renamed
