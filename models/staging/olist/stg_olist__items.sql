-- One row per product, described by its category and measures: names and descriptions were not published.
with

products as (
    select
        product_id,
        nullif(trim(product_category_name), '') as category_portuguese,
        {{ try_to_cast('product_weight_g', 'double') }} as weight,
        {{ try_to_cast('product_length_cm', 'double') }} as length,
        {{ try_to_cast('product_height_cm', 'double') }} as height,
        {{ try_to_cast('product_width_cm', 'double') }} as width
    from {{ source('olist', 'products') }}
),

translations as (
    select
        nullif(trim(product_category_name), '') as category_portuguese,
        min(nullif(trim(product_category_name_english), '')) as category_english
    from {{ source('olist', 'category_translation') }}
    group by nullif(trim(product_category_name), '')
),

products_ranked as (
    select
        *,
        row_number() over (
            partition by product_id
            order by
                category_portuguese asc nulls last, weight asc nulls last, length asc nulls last,
                height asc nulls last, width asc nulls last
        ) as place
    from products
),

-- A category without an English name keeps its Portuguese one.
categories_translated as (
    select
        products_ranked.product_id,
        replace(
            coalesce(translations.category_english, products_ranked.category_portuguese), '_', ' '
        ) as category,
        cast(nullif(round(products_ranked.weight), 0) as bigint) as weight,
        cast(nullif(round(products_ranked.length), 0) as bigint) as length,
        cast(nullif(round(products_ranked.height), 0) as bigint) as height,
        cast(nullif(round(products_ranked.width), 0) as bigint) as width
    from products_ranked
    left join translations on products_ranked.category_portuguese = translations.category_portuguese
    where products_ranked.place = 1
),

measures_written as (
    select
        product_id,
        category,
        {{ dbt.concat([dbt.cast('weight', dbt.type_string()), "' g'"]) }} as weight,
        {{ dbt.concat([
            dbt.cast('length', dbt.type_string()), "' x '", dbt.cast('width', dbt.type_string()), "' x '",
            dbt.cast('height', dbt.type_string()), "' cm'"
        ]) }} as size
    from categories_translated
),

items_described as (
    select
        product_id as item_id,
        {{ dbt.concat([
            "coalesce(" ~ capitalise('category') ~ ", " ~ dbt.concat(["'Item '", 'product_id']) ~ ")",
            "coalesce(" ~ dbt.concat(["', '", 'weight']) ~ ", '')",
            "coalesce(" ~ dbt.concat(["', '", 'size']) ~ ", '')"
        ]) }} as title,
        {{ dbt.concat([
            "coalesce(" ~ dbt.concat(["'A product of the category '", 'category']) ~ ", 'A product of no category')",
            "coalesce(" ~ dbt.concat(["', of '", 'weight']) ~ ", '')",
            "coalesce(" ~ dbt.concat(["', '", 'size', "' in size'"]) ~ ", '')",
            "'.'"
        ]) }} as text,
        {{ capitalise('category') }} as category_path,
        coalesce({{ capitalise('category') }}, 'Unknown') as department,
        weight as package_size,
        category is not null as is_described
    from measures_written
)

select * from items_described
