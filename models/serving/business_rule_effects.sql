-- One row per business rule the shop has written down, with what became of it in today's recommendations.
with

business_rules as (
    select
        rule_id,
        rule_type,
        list_name,
        attribute,
        value,
        note,
        amount,
        days,
        is_active,
        valid_from,
        valid_to
    from {{ ref('business_rules') }}
),

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

business_rules_in_force as (
    select
        rule_id,
        not_applied_reason
    from {{ ref('business_rules_in_force') }}
),

items_counted_by_rule as (
    select
        rule_id,
        count(*) as item_count
    from {{ ref('business_rule_items') }}
    group by rule_id
),

recommendations as (
    select
        user_id,
        rules_applied
    from {{ ref('recommendations') }}
    where rules_applied <> ''
),

recommendations_counted_by_rule as (
    select
        business_rules_in_force.rule_id,
        count(*) as recommendation_count,
        count(distinct recommendations.user_id) as user_count
    from business_rules_in_force
    inner join recommendations
        on {{ is_rule_named('business_rules_in_force.rule_id', 'recommendations.rules_applied') }}
    group by business_rules_in_force.rule_id
),

rules_followed as (
    select
        business_rules.rule_id,
        business_rules.rule_type,
        business_rules.list_name,
        business_rules.attribute,
        business_rules.value,
        case
            when not business_rules.is_active then 'at rest'
            when business_rules_in_force.rule_id is null then 'not in force today'
            when business_rules_in_force.not_applied_reason is not null then 'cannot be applied'
            else 'applied'
        end as status,
        business_rules_in_force.not_applied_reason,
        business_rules.note,
        cast(business_rules.amount as double) as amount,
        cast(business_rules.days as integer) as days,
        coalesce(items_counted_by_rule.item_count, 0) as item_count,
        coalesce(recommendations_counted_by_rule.recommendation_count, 0) as recommendation_count,
        coalesce(recommendations_counted_by_rule.user_count, 0) as user_count,
        business_rules.valid_from,
        business_rules.valid_to,
        as_of_dates.as_of_date
    from business_rules
    cross join as_of_dates
    left join business_rules_in_force on business_rules.rule_id = business_rules_in_force.rule_id
    left join items_counted_by_rule on business_rules.rule_id = items_counted_by_rule.rule_id
    left join recommendations_counted_by_rule
        on business_rules.rule_id = recommendations_counted_by_rule.rule_id
)

select * from rules_followed
