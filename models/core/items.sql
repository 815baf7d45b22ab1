-- One row per item the shop lists, sold or not.
with

items as (
    select
        item_id,
        manufacturer_id,
        title,
        text,
        department,
        category,
        item_type,
        brand,
        package_size,
        is_private_brand,
        is_described,
        is_sold_by_measure,
        is_service
    from {{ staging('items') }}
),

items_completed as (
    select
        item_id,
        manufacturer_id,
        title,
        coalesce(text, {{ dbt.concat(['title', "'.'"]) }}) as text,
        department,
        category,
        item_type,
        brand,
        package_size,
        is_described and not is_service as is_recommendable,
        is_described,
        is_private_brand,
        is_sold_by_measure
    from items
)

select * from items_completed
