-- Rule type exclude: none of its items is in a list.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
select *
from ({{ recommendations_under_rules(['exclude']) }}) as under_rules
