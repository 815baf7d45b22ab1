-- Segments and user features speak of the same users.
{{ config(meta={'dagster': {'ref': {'name': 'rfm_segments'}}}) }}
select
    user_features.user_id,
    rfm_segments.segment
from {{ ref('user_features') }} as user_features
full outer join {{ ref('rfm_segments') }} as rfm_segments on user_features.user_id = rfm_segments.user_id
where user_features.user_id is null or rfm_segments.user_id is null
