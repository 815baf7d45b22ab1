-- Rule type exclude: none of its items is in a list.
{{ config(meta={'dagster': {'ref': {'name': 'recommendations'}}}) }}
select *
from ({{ recommendations_under_rules(['exclude']) }}) as under_rules
