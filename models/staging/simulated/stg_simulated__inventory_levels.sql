-- One row per item and week.
with

stock_counts as (
    select
        item_id,
        counted_on,
        pieces
    from {{ source('simulated', 'stock_counts') }}
),

renamed as (
    select
        item_id,
        'WEB' as store_id,
        pieces as quantity,
        counted_on as counted_date
    from stock_counts
)

select * from renamed
