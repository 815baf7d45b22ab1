-- One row per item in the metadata of any edition.
-- A table: the compressed text is parsed once.
{{ config(materialized='table') }}

with

json_lines as (
    select
        nullif(trim(coalesce(parent_asin, asin)), '') as item_id,
        title,
        description,
        category,
        categories,
        coalesce(main_cat, main_category) as main_category,
        coalesce(brand, store) as brand,
        trim(price) as price,
        coalesce(
            {{ json_value('imageurlhighres', '$[0]') }},
            {{ json_value('imageurl', '$[0]') }},
            {{ json_value('image', '$[0]') }},
            {{ json_value('images', '$[0].hi_res') }},
            {{ json_value('images', '$[0].large') }},
            imurl
        ) as image_uri
    from {{ optional_source('amazon_reviews', 'json_lines') }}
    where {{ replace_pattern('file_name', '^.*/', '') }} like 'meta@_%' escape '@'
),

lists_joined as (
    select
        item_id,
        title,
        {{ json_joined('description', ' ') }} as description,
        -- The edition of 2014 lists several paths, the first of which is taken.
        case
            when categories like '[[%' then {{ json_joined(json_value('categories', '$[0]'), ' > ') }}
            else {{ json_joined('coalesce(category, categories)', ' > ') }}
        end as category_path,
        main_category,
        {{ replace_pattern('brand', '^by\\s+', '') }} as brand,
        image_uri,
        replace({{ replace_pattern('price', '^[$]', '') }}, ',', '') as price
    from json_lines
    where item_id is not null
),

fields_cleaned as (
    select
        item_id,
        {{ amazon_reviews_plain_text('title') }} as title,
        {{ amazon_reviews_plain_text('description') }} as description,
        -- Bullet points of the page follow the groups in places: the path ends before a tag or a sentence.
        {{ clean_text(replace_pattern('category_path', '(^| > )(<.*|[^>]*[.]( > .*)?)$', '')) }} as category_path,
        {{ amazon_reviews_plain_text('main_category') }} as main_category,
        {{ amazon_reviews_plain_text('brand') }} as brand,
        image_uri,
        -- A range, a "from" and a piece of the page are no number.
        {{ try_to_cast('price', 'decimal(18, 2)') }} as price_amount
    from lists_joined
),

products_completed as (
    select
        item_id,
        title,
        description,
        coalesce(category_path, main_category) as category_path,
        brand,
        image_uri,
        price_amount
    from fields_cleaned
),

-- An item that is listed twice, as in two categories or editions, is taken where most is said of it.
listings_ranked as (
    select
        *,
        row_number() over (
            partition by item_id
            order by
                case when title is null then 1 else 0 end asc,
                case when price_amount is null then 1 else 0 end asc,
                {{ dbt.length("coalesce(description, '')") }} desc,
                title asc, description asc, category_path asc, brand asc, image_uri asc, price_amount asc
        ) as place
    from products_completed
),

products as (
    select
        item_id,
        title,
        description,
        category_path,
        brand,
        image_uri,
        price_amount
    from listings_ranked
    where place = 1
)

select * from products
