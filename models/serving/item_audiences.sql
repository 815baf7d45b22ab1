-- One row per item and rank: a user who is likely to want it, and who may be written to.
with

item_audiences as (
    select
        item_id,
        user_id,
        chosen_as,
        candidate_source,
        model_version,
        rank,
        score,
        top_share,
        has_bought,
        as_of_date
    from {{ source('ml', 'item_audiences') }}
),

items as (
    select
        item_id,
        title
    from {{ ref('items') }}
),

item_audiences_titled as (
    select
        item_audiences.item_id,
        item_audiences.user_id,
        items.title as item_title,
        item_audiences.chosen_as,
        item_audiences.candidate_source,
        item_audiences.model_version,
        item_audiences.rank,
        item_audiences.score,
        item_audiences.top_share,
        item_audiences.has_bought,
        item_audiences.as_of_date
    from item_audiences
    left join items on item_audiences.item_id = items.item_id
)

select * from item_audiences_titled
