-- One row per session of a browser that no user is known behind and rank: the item to show next.
with

session_recommendations as (
    select
        session_id,
        item_id,
        reason_item_id,
        candidate_source,
        model_version,
        rank,
        score,
        as_of_date
    from {{ source('ml', 'session_recommendations') }}
),

items as (
    select
        item_id,
        title
    from {{ ref('items') }}
),

session_recommendations_titled as (
    select
        session_recommendations.session_id,
        session_recommendations.item_id,
        session_recommendations.reason_item_id,
        items.title as item_title,
        reason_items.title as reason_item_title,
        session_recommendations.candidate_source,
        session_recommendations.model_version,
        session_recommendations.rank,
        session_recommendations.score,
        session_recommendations.as_of_date
    from session_recommendations
    left join items on session_recommendations.item_id = items.item_id
    left join items as reason_items on session_recommendations.reason_item_id = reason_items.item_id
)

select * from session_recommendations_titled
