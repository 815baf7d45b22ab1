-- Rule type cap: no list has more items of a group than the cap allows, unless all of them are pinned.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
select
    user_id,
    list_name,
    rule_id,
    group_name,
    amount,
    count(*) as item_count
from (
    select
        under_rules.*,
        case when recommended.candidate_source = 'business_rule' then 1 else 0 end as is_pinned
    from ({{ recommendations_under_rules(['cap']) }}) as under_rules
    inner join {{ ref('recommendations') }} as recommended
        on
            under_rules.user_id = recommended.user_id
            and under_rules.list_name = recommended.list_name
            and under_rules.rank = recommended.rank
) as items_capped
group by user_id, list_name, rule_id, group_name, amount
having count(*) > amount and sum(is_pinned) < count(*)
