-- One row per user, list and rank: the item to show and why.
with

recommendations as (
    select
        recommendation_id,
        user_id,
        item_id,
        reason_item_id,
        list_name,
        candidate_source,
        reason_code,
        rules_applied,
        model_version,
        rank,
        score,
        as_of_date
    from {{ source('ml', 'recommendations') }}
),

items as (
    select
        item_id,
        title,
        department
    from {{ ref('items') }}
),

recommendations_titled as (
    select
        recommendations.recommendation_id,
        recommendations.user_id,
        recommendations.item_id,
        recommendations.reason_item_id,
        recommendations.list_name,
        shown_items.title as item_title,
        shown_items.department as item_department,
        reason_items.title as reason_item_title,
        recommendations.reason_code,
        case recommendations.reason_code
            when 'bought_before' then 'You bought this before'
            when 'because_you_bought'
                then 'Because you bought ' || coalesce(reason_items.title, 'similar items')
            when 'viewed_before' then 'You looked at this before'
            when 'because_you_viewed'
                then 'Because you looked at ' || coalesce(reason_items.title, 'similar items')
            when 'popular_in_cohort' then 'Popular with shoppers like you'
            when 'popular_overall' then 'A best seller in the shop'
            when 'chosen_by_shop' then 'Chosen by the shop'
        end as reason,
        recommendations.candidate_source,
        recommendations.rules_applied,
        recommendations.model_version,
        recommendations.rank,
        recommendations.score,
        recommendations.as_of_date
    from recommendations
    left join items as shown_items on recommendations.item_id = shown_items.item_id
    left join items as reason_items on recommendations.reason_item_id = reason_items.item_id
)

select * from recommendations_titled
