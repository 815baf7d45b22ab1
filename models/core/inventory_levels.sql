-- One row per item, store and day the stock was counted on.
with

inventory_levels as (
    select
        {{ generate_surrogate_key(['item_id', 'store_id', 'counted_date']) }} as inventory_level_id,
        item_id,
        store_id,
        quantity,
        counted_date
    from ({{ checked_rows('inventory_levels') }}) as checked_levels
    where reason_code is null
)

select * from inventory_levels
