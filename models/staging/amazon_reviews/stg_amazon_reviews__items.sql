-- One row per item in the metadata, or reviewed without being there.
with

products as (
    select
        item_id,
        title,
        description,
        category_path,
        brand,
        image_uri,
        price_amount
    from {{ ref('stg_amazon_reviews__products') }}
),

reviewed_items as (
    select distinct item_id
    from {{ ref('stg_amazon_reviews__review_lines') }}
    where item_id is not null
),

item_ids as (
    select item_id from products
    union distinct
    select item_id from reviewed_items
),

items_described as (
    select
        item_ids.item_id,
        coalesce(products.title, {{ dbt.concat(["'Item '", 'item_ids.item_id']) }}) as title,
        nullif({{ dbt.concat([
            "coalesce(" ~ dbt.concat(['products.title', "'. '"]) | trim ~ ", '')",
            "coalesce(" ~ dbt.concat(["replace(products.category_path, ' > ', ', ')", "'. '"]) | trim ~ ", '')",
            "coalesce(" ~ dbt.concat(['products.brand', "'. '"]) | trim ~ ", '')",
            "coalesce(products.description, '')"
        ]) }}, '') as text,
        products.description,
        products.category_path,
        coalesce(nullif({{ dbt.split_part('products.category_path', "' > '", 1) }}, ''), 'Unknown') as department,
        nullif({{ dbt.split_part('products.category_path', "' > '", 2) }}, '') as category,
        nullif({{ dbt.split_part('products.category_path', "' > '", 3) }}, '') as item_type,
        products.brand,
        products.image_uri,
        products.price_amount,
        coalesce(products.title, products.description, products.category_path) is not null as is_described
    from item_ids
    left join products on item_ids.item_id = products.item_id
)

select * from items_described
