-- One row per item the shop lists, sold or not.
with

items as (
    select
        item_id,
        manufacturer_id,
        title,
        text,
        description,
        category_path,
        department,
        category,
        item_type,
        brand,
        package_size,
        image_uri,
        price_amount,
        cost_amount,
        is_private_brand,
        is_described,
        is_sold_by_measure,
        is_service
    from ({{ checked_rows('items') }}) as checked_items
    where reason_code is null
),

items_titled as (
    select
        *,
        coalesce(title, {{ dbt.concat(["'Item '", 'item_id']) }}) as given_title
    from items
),

items_completed as (
    select
        item_id,
        manufacturer_id,
        given_title as title,
        coalesce(text, {{ dbt.concat(['given_title', "'.'"]) }}) as text,
        description,
        coalesce(
            category_path,
            {{ dbt.concat([
                'department',
                "coalesce(" ~ dbt.concat(["' > '", 'category']) | trim ~ ", '')",
                "coalesce(" ~ dbt.concat(["' > '", 'item_type']) | trim ~ ", '')"
            ]) }}
        ) as category_path,
        coalesce(department, 'Unknown') as department,
        category,
        item_type,
        brand,
        package_size,
        image_uri,
        price_amount,
        cost_amount,
        is_described and title is not null and not is_service as is_recommendable,
        is_described and title is not null as is_described,
        is_private_brand,
        is_sold_by_measure
    from items_titled
)

select * from items_completed
