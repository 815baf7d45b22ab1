-- Rule type bought_within: none of its items is in the list of a user who bought it on one of the last days.
{{ config(
    severity='error' if var('is_run') else 'warn',
    meta={'dagster': {'ref': {'name': 'recommendations'}}}
) }}
select
    under_rules.*,
    interactions.interacted_at
from ({{ recommendations_under_rules(['bought_within']) }}) as under_rules
inner join {{ ref('interactions') }} as interactions
    on under_rules.user_id = interactions.user_id and under_rules.item_id = interactions.item_id
where
    interactions.event_type = 'purchase'
    and cast(interactions.interacted_at as date) >= {{ add_days('under_rules.as_of_date', '-under_rules.days') }}
