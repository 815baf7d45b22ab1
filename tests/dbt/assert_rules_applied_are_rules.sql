-- Whatever rules_applied names is a rule in force that is applied, or the one that is built in.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
with

names_counted as (
    select
        recommendation_id,
        rules_applied,
        as_of_date,
        length(rules_applied) - length(replace(rules_applied, ',', '')) + 1 as name_count,
        case when {{ is_rule_named("'not_recommendable_removed'", 'rules_applied') }} then 1 else 0 end as built_in_count
    from {{ ref('recommendations') }}
    where rules_applied <> ''
)

select
    names_counted.recommendation_id,
    names_counted.rules_applied
from names_counted
inner join {{ ref('as_of_dates') }} as as_of_dates on names_counted.as_of_date = as_of_dates.as_of_date
left join {{ ref('business_rules_in_force') }} as rules
    on {{ is_rule_named('rules.rule_id', 'names_counted.rules_applied') }} and rules.not_applied_reason is null
group by
    names_counted.recommendation_id, names_counted.rules_applied, names_counted.name_count,
    names_counted.built_in_count
having names_counted.name_count <> names_counted.built_in_count + count(rules.rule_id)
