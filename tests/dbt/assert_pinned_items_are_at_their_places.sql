-- Rule type pin: whoever may see the item has it at its place, if the list has so many.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
with

full_length as (
    select max(rank) as list_length
    from {{ ref('recommendations') }}
),

lists as (
    select
        user_id,
        list_name,
        as_of_date
    from {{ ref('recommendations') }}
    group by user_id, list_name, as_of_date
    having count(*) = (select full_length.list_length from full_length)
),

pins as (
    select
        rules.rule_id,
        rules.list_name,
        rules.amount as place,
        items.item_id,
        rules.as_of_date
    from {{ ref('business_rules_in_force') }} as rules
    inner join {{ ref('business_rule_items') }} as items on rules.rule_id = items.rule_id
    where rules.rule_type = 'pin'
),

pairs as (
    select
        lists.user_id,
        pins.item_id,
        lists.list_name,
        pins.rule_id,
        pins.place,
        lists.as_of_date
    from lists
    inner join pins
        on lists.as_of_date = pins.as_of_date and coalesce(pins.list_name, lists.list_name) = lists.list_name
    where pins.place <= (select full_length.list_length from full_length)
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
)

select pairs.*
from pairs
left join {{ ref('recommendations') }} as recommendations
    on
        pairs.user_id = recommendations.user_id
        and pairs.list_name = recommendations.list_name
        and pairs.place = recommendations.rank
        and pairs.item_id = recommendations.item_id
left join purchases on pairs.user_id = purchases.user_id and pairs.item_id = purchases.item_id
left join pairs_hidden
    on
        pairs.user_id = pairs_hidden.user_id
        and pairs.item_id = pairs_hidden.item_id
        and pairs.list_name = pairs_hidden.list_name
where
    recommendations.item_id is null
    and pairs_hidden.item_id is null
    and (pairs.list_name <> 'discover' or purchases.item_id is null)
