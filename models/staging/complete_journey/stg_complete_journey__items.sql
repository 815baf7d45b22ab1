-- One row per raw product, its groups in plain words.
with

products as (
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
    from {{ ref('stg_complete_journey__products') }}
),

phrases as (
    select
        raw_phrase,
        phrase
    from {{ ref('int_complete_journey__phrases_spelled_out') }}
),

products_spelled_out as (
    select
        products.item_id,
        products.manufacturer_id,
        departments.phrase as department,
        categories.phrase as category,
        item_types.phrase as item_type,
        products.brand,
        products.package_size,
        products.is_sold_by_measure,
        products.category_code is not null or products.item_type_code is not null as is_described,
        products.is_service
    from products
    left join phrases as departments on products.department_code = departments.raw_phrase
    left join phrases as categories on products.category_code = categories.raw_phrase
    left join phrases as item_types on products.item_type_code = item_types.raw_phrase
),

products_titled as (
    select
        item_id,
        manufacturer_id,
        {{ item_title('department', 'category', 'item_type', 'package_size', 'brand') }} as title,
        {{ item_sentence('department', 'category', 'item_type', 'package_size', 'brand') }} as text,
        {{ capitalise('department') }} as department,
        {{ capitalise('category') }} as category,
        {{ capitalise('item_type') }} as item_type,
        brand,
        package_size,
        brand = 'private' as is_private_brand,
        is_described,
        is_sold_by_measure,
        is_service
    from products_spelled_out
)

select * from products_titled
