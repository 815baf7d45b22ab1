-- Rule type in_stock: no item is in a list of which too few pieces are left.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
select *
from ({{ recommendations_under_rules(['in_stock']) }}) as under_rules
