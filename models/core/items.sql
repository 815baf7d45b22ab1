-- One row per item the shop lists, sold or not.
with

items as (
    {{ numbered_by_key('items', ['item_id']) }}
),

items_titled as (
    select
        *,
        coalesce(title, {{ dbt.concat(["'Item '", 'item_id']) }}) as shown_title
    from items
    where copy_number = 1 and item_id is not null
),

items_completed as (
    select
        item_id,
        manufacturer_id,
        shown_title as title,
        coalesce(text, {{ dbt.concat(['shown_title', "'.'"]) }}) as text,
        coalesce(department, 'Unknown') as department,
        category,
        item_type,
        brand,
        package_size,
        is_described and title is not null and not is_service as is_recommendable,
        is_described and title is not null as is_described,
        is_private_brand,
        is_sold_by_measure
    from items_titled
)

select * from items_completed
