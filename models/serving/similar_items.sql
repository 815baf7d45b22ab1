-- One row per item and rank: an item like it.
with

similar_items as (
    select
        item_id,
        similar_item_id,
        similarity_source,
        model_version,
        rank,
        score,
        as_of_date
    from {{ source('ml', 'similar_items') }}
),

items as (
    select
        item_id,
        title
    from {{ ref('items') }}
),

similar_items_titled as (
    select
        similar_items.item_id,
        similar_items.similar_item_id,
        items.title as item_title,
        like_items.title as similar_item_title,
        similar_items.similarity_source,
        similar_items.model_version,
        similar_items.rank,
        similar_items.score,
        similar_items.as_of_date
    from similar_items
    left join items on similar_items.item_id = items.item_id
    left join items as like_items on similar_items.similar_item_id = like_items.item_id
)

select * from similar_items_titled
