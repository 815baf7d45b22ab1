-- One row per business rule that is applied and item it hides, boosts, pins, counts or restricts.
with

business_rules_in_force as (
    select rule_id
    from {{ ref('business_rules_in_force') }}
    where not_applied_reason is null
),

int_business_rule_items_matched as (select * from {{ ref('int_business_rule_items_matched') }}),

-- An item whose stock or margin is not known is not held back; one that was never sold is not new.
rule_items as (
    select
        matched.rule_id,
        matched.item_id,
        matched.group_name,
        matched.as_of_date
    from int_business_rule_items_matched as matched
    inner join business_rules_in_force on matched.rule_id = business_rules_in_force.rule_id
    where
        case
            when matched.rule_type = 'in_stock' then matched.stock_quantity <= coalesce(matched.amount, 0)
            when matched.rule_type = 'margin_floor' then matched.margin_share < matched.amount
            when matched.rule_type = 'freshness' and matched.amount is null
                then coalesce(matched.first_sold_date < matched.new_since_date, true)
            when matched.rule_type = 'freshness' then matched.first_sold_date >= matched.new_since_date
            else true
        end
)

select * from rule_items
