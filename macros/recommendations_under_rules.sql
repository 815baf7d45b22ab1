{#- Lists of another day than the rules are not looked at: the next run writes them anew. -#}
{% macro recommendations_under_rules(rule_types) -%}
    select
        recommendations.user_id,
        recommendations.item_id,
        recommendations.list_name,
        recommendations.rules_applied,
        recommendations.rank,
        business_rules_in_force.rule_id,
        business_rules_in_force.rule_type,
        business_rules_in_force.amount,
        business_rules_in_force.days,
        business_rule_items.group_name,
        business_rules_in_force.as_of_date
    from {{ ref('business_rules_in_force') }} as business_rules_in_force
    inner join {{ ref('business_rule_items') }} as business_rule_items
        on business_rules_in_force.rule_id = business_rule_items.rule_id
    inner join {{ ref('recommendations') }} as recommendations
        on
            business_rule_items.item_id = recommendations.item_id
            and business_rules_in_force.as_of_date = recommendations.as_of_date
            and coalesce(business_rules_in_force.list_name, recommendations.list_name) = recommendations.list_name
    where business_rules_in_force.rule_type in ('{{ rule_types | join("', '") }}')
{%- endmacro %}
