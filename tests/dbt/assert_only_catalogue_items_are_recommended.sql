-- Every recommended item is one the shop lists and may recommend.
{{ config(meta={'dagster': {'ref': {'name': 'recommendations'}}}) }}
select
    recommendations.recommendation_id,
    recommendations.item_id
from {{ ref('recommendations') }} as recommendations
left join {{ ref('items') }} as items on recommendations.item_id = items.item_id
where not coalesce(items.is_recommendable, false)
