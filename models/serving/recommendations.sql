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
        propensity,
        is_exploration,
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

users as (
    select
        user_id,
        lower(substring(language, 1, 2)) as language_code
    from {{ ref('users') }}
),

reason_texts as (
    select
        reason_code,
        language_code,
        phrase
    from {{ ref('reason_texts') }}
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
        replace(
            coalesce(texts_of_user.phrase, texts_of_shop.phrase),
            '{item}',
            coalesce(reason_items.title, recommendations.reason_item_id, '')
        ) as reason,
        recommendations.candidate_source,
        recommendations.rules_applied,
        recommendations.model_version,
        recommendations.rank,
        recommendations.score,
        recommendations.propensity,
        recommendations.is_exploration,
        recommendations.as_of_date
    from recommendations
    left join items as shown_items on recommendations.item_id = shown_items.item_id
    left join items as reason_items on recommendations.reason_item_id = reason_items.item_id
    left join users on recommendations.user_id = users.user_id
    left join reason_texts as texts_of_user
        on
            recommendations.reason_code = texts_of_user.reason_code
            and users.language_code = texts_of_user.language_code
    left join reason_texts as texts_of_shop
        on
            recommendations.reason_code = texts_of_shop.reason_code
            and texts_of_shop.language_code = '{{ var("reason_language") }}'
)

select * from recommendations_titled
