-- One row per item in the metadata of any edition.
-- A table: the compressed text is parsed once.
{{ config(materialized='table') }}

with

json_lines as (
    select
        line,
        {{ replace_pattern('file_name', '^.*/', '') }} as file_name
    from {{ optional_source('amazon_reviews', 'json_lines') }}
    where trim(line) <> ''
),

lines_parsed as (
    select
        {{ dbt.hash('line') }} as line_hash,
        {{ json_record('line', {
            'asin': 'varchar', 'parent_asin': 'varchar', 'title': 'varchar', 'description': 'varchar',
            'category': 'varchar', 'categories': 'varchar', 'main_cat': 'varchar', 'main_category': 'varchar',
            'brand': 'varchar', 'store': 'varchar', 'price': 'varchar', 'imageURLHighRes': 'varchar',
            'imageURL': 'varchar', 'image': 'varchar', 'images': 'varchar', 'imUrl': 'varchar'
        }) }} as fields
    from json_lines
    where file_name like 'meta@_%' escape '@'
),

editions_united as (
    select
        line_hash,
        nullif(trim(coalesce(fields.parent_asin, fields.asin)), '') as item_id,
        fields.title as raw_title,
        {{ json_joined('fields.description', ' ') }} as raw_description,
        -- The edition of 2014 lists several paths, the first of which is taken.
        case
            when fields.categories like '[[%' then {{ json_joined(json_first('fields.categories'), ' > ') }}
            else {{ json_joined('coalesce(fields.category, fields.categories)', ' > ') }}
        end as raw_category_path,
        coalesce(fields.main_cat, fields.main_category) as raw_department,
        coalesce(fields.brand, fields.store) as raw_brand,
        trim(fields.price) as raw_price,
        coalesce(
            {{ json_first('fields.imageurlhighres') }},
            {{ json_first('fields.imageurl') }},
            {{ json_first('fields.image') }},
            fields.imurl
        ) as image_uri,
        {{ json_record(json_first('fields.images'), {'hi_res': 'varchar', 'large': 'varchar'}) }} as first_image
    from lines_parsed
),

fields_cleaned as (
    select
        line_hash,
        item_id,
        {{ amazon_reviews_plain_text('raw_title') }} as title,
        {{ amazon_reviews_plain_text('raw_description') }} as description,
        -- Bullet points of the page follow the groups in places: the path ends before a tag or a sentence.
        nullif(
            {{ amazon_reviews_plain_text(replace_pattern(
                'raw_category_path', '(^| > )(<.*|[^>]*[.]( > .*)?)$', ''
            )) }}, ''
        ) as category_path,
        {{ amazon_reviews_plain_text('raw_department') }} as department,
        {{ amazon_reviews_plain_text(replace_pattern('raw_brand', '^by\\s+', '')) }} as brand,
        coalesce(image_uri, first_image.hi_res, first_image.large) as image_uri,
        -- A range, a "from" and pieces of the page leave something that is no number.
        {{ try_to_cast("replace(" ~ replace_pattern('raw_price', '^[$]', '') ~ ", ',', '')", 'decimal(18, 2)') }}
            as price_amount
    from editions_united
    where item_id is not null
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
                line_hash asc
        ) as place
    from fields_cleaned
),

products as (
    select
        item_id,
        title,
        description,
        coalesce(category_path, department) as category_path,
        brand,
        image_uri,
        price_amount
    from listings_ranked
    where place = 1
)

select * from products
