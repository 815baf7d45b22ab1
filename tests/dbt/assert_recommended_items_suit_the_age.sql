-- Rule type minimum_age: its items are in lists of users alone who are known to be old enough.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
select under_rules.*
from ({{ recommendations_under_rules(['minimum_age']) }}) as under_rules
left join {{ ref('user_ages') }} as user_ages on under_rules.user_id = user_ages.user_id
where coalesce(user_ages.at_least_age, 0) < under_rules.amount
