-- Rule type margin_floor: no item is in a list that earns less.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
select *
from ({{ recommendations_under_rules(['margin_floor']) }}) as under_rules
