-- Every user has each list, and where it is short, none of the 1,000 best sellers could have filled it up.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
with

recommendations as (
    select
        user_id,
        item_id,
        list_name,
        rank,
        as_of_date
    from {{ ref('recommendations') }}
),

list_names as (
    select
        list_name,
        as_of_date,
        (select max(everything.rank) from recommendations as everything) as list_length
    from recommendations
    group by list_name, as_of_date
),

lists_short as (
    select
        user_features.user_id,
        list_names.list_name,
        list_names.as_of_date,
        count(recommendations.item_id) as item_count
    from {{ ref('user_features') }} as user_features
    inner join list_names on user_features.as_of_date = list_names.as_of_date
    left join recommendations
        on user_features.user_id = recommendations.user_id and list_names.list_name = recommendations.list_name
    group by user_features.user_id, list_names.list_name, list_names.as_of_date, list_names.list_length
    having count(recommendations.item_id) < list_names.list_length
),

best_sellers as (
    select item_id
    from {{ ref('item_features') }}
    where is_recommendable
    order by user_count desc, item_id asc
    limit 1000
),

pairs as (
    select
        lists_short.user_id,
        best_sellers.item_id,
        lists_short.list_name,
        lists_short.as_of_date
    from lists_short
    cross join best_sellers
),

purchases as (
    select distinct
        user_id,
        item_id
    from {{ ref('interactions') }}
    where event_type = 'purchase'
),

pairs_hidden as (
    {{ pairs_hidden_by_rules('pairs') }}
),

groups_full as (
    select
        user_id,
        list_name,
        rule_id,
        group_name
    from ({{ recommendations_under_rules(['cap']) }}) as under_rules
    group by user_id, list_name, rule_id, group_name, amount
    having count(*) >= amount
),

pairs_capped as (
    select
        groups_full.user_id,
        capped_items.item_id,
        groups_full.list_name
    from groups_full
    inner join {{ ref('business_rule_items') }} as capped_items
        on groups_full.rule_id = capped_items.rule_id and groups_full.group_name = capped_items.group_name
    inner join best_sellers on capped_items.item_id = best_sellers.item_id
    inner join lists_short
        on groups_full.user_id = lists_short.user_id and groups_full.list_name = lists_short.list_name
)

select
    pairs.user_id,
    pairs.list_name,
    min(pairs.item_id) as missing_item_id
from pairs
left join recommendations
    on
        pairs.user_id = recommendations.user_id
        and pairs.list_name = recommendations.list_name
        and pairs.item_id = recommendations.item_id
left join purchases on pairs.user_id = purchases.user_id and pairs.item_id = purchases.item_id
left join pairs_hidden
    on
        pairs.user_id = pairs_hidden.user_id
        and pairs.item_id = pairs_hidden.item_id
        and pairs.list_name = pairs_hidden.list_name
left join pairs_capped
    on
        pairs.user_id = pairs_capped.user_id
        and pairs.item_id = pairs_capped.item_id
        and pairs.list_name = pairs_capped.list_name
where
    recommendations.item_id is null
    and pairs_hidden.item_id is null
    and pairs_capped.item_id is null
    and (pairs.list_name <> 'discover' or purchases.item_id is null)
group by pairs.user_id, pairs.list_name
