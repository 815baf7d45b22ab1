{#- `pairs` names a CTE with user_id, item_id and list_name; a pair may come more than once. -#}
{% macro pairs_hidden_by_rules(pairs) -%}
    select
        pairs.user_id,
        pairs.item_id,
        pairs.list_name
    from {{ pairs }} as pairs
    inner join {{ ref('business_rule_items') }} as hiding_items on pairs.item_id = hiding_items.item_id
    inner join {{ ref('business_rules_in_force') }} as hiding_rules
        on
            hiding_items.rule_id = hiding_rules.rule_id
            and coalesce(hiding_rules.list_name, pairs.list_name) = pairs.list_name
    left join {{ ref('user_ages') }} as user_ages on pairs.user_id = user_ages.user_id
    left join (
        select
            user_id,
            item_id,
            cast(max(interacted_at) as date) as last_bought_date
        from {{ ref('interactions') }}
        where event_type = 'purchase'
        group by user_id, item_id
    ) as last_purchases on pairs.user_id = last_purchases.user_id and pairs.item_id = last_purchases.item_id
    where
        hiding_rules.rule_type in ('exclude', 'in_stock', 'margin_floor')
        or (hiding_rules.rule_type = 'freshness' and hiding_rules.amount is null)
        or (hiding_rules.rule_type = 'minimum_age' and coalesce(user_ages.at_least_age, 0) < hiding_rules.amount)
        or (
            hiding_rules.rule_type = 'bought_within'
            and last_purchases.last_bought_date >= {{ add_days('hiding_rules.as_of_date', '-hiding_rules.days') }}
        )
{%- endmacro %}
