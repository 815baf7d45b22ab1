-- Rule type freshness without an amount: no item is in a list that is not new.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
select *
from ({{ recommendations_under_rules(['freshness']) }}) as under_rules
where amount is null
