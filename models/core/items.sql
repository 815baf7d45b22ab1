-- One row per item the shop lists, sold or not.
with

items as (
    select
        item_id,
        manufacturer_id,
        department_code,
        category_code,
        item_type_code,
        brand,
        package_size,
        is_sold_by_measure,
        is_service
    from {{ staging('items') }}
),

int_item_phrases_spelled_out as (
    select
        raw_phrase,
        phrase
    from {{ ref('int_item_phrases_spelled_out') }}
),

items_spelled_out as (
    select
        items.item_id,
        items.manufacturer_id,
        departments.phrase as department,
        categories.phrase as category,
        item_types.phrase as item_type,
        items.brand,
        items.package_size,
        items.is_sold_by_measure,
        items.category_code is not null or items.item_type_code is not null as is_described,
        items.is_service
    from items
    left join int_item_phrases_spelled_out as departments on items.department_code = departments.raw_phrase
    left join int_item_phrases_spelled_out as categories on items.category_code = categories.raw_phrase
    left join int_item_phrases_spelled_out as item_types on items.item_type_code = item_types.raw_phrase
),

items_titled as (
    select
        item_id,
        manufacturer_id,
        {{ item_title('department', 'category', 'item_type', 'package_size', 'brand') }} as title,
        {{ capitalise('department') }} as department,
        {{ capitalise('category') }} as category,
        {{ capitalise('item_type') }} as item_type,
        brand,
        package_size,
        is_described and not is_service as is_recommendable,
        is_described,
        is_sold_by_measure
    from items_spelled_out
)

select * from items_titled
