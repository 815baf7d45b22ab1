-- Rule types boost and freshness with an amount: rules_applied of each of their items names them.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
select *
from ({{ recommendations_under_rules(['boost', 'freshness']) }}) as under_rules
where amount is not null and not ({{ is_rule_named('rule_id', 'rules_applied') }})
