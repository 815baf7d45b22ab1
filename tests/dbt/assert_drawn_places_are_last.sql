-- Places drawn by lot are the last of their list, but for pinned ones, and all of one list have the same odds.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
with

lists_drawn as (
    select
        user_id,
        list_name,
        min(case when is_exploration then rank end) as first_drawn,
        max(case when not is_exploration and candidate_source <> 'business_rule' then rank end) as last_ranked,
        count(distinct case when is_exploration then propensity end) as odds_count
    from {{ ref('recommendations') }}
    group by user_id, list_name
)

select *
from lists_drawn
where first_drawn < last_ranked or odds_count > 1
