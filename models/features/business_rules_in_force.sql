-- One row per business rule that is active and in force on the as-of date, applied or with the reason why not.
with

int_business_rules_due as (select * from {{ ref('int_business_rules_due') }}),

int_business_rule_items_matched as (select * from {{ ref('int_business_rule_items_matched') }}),

items as (
    select
        item_id,
        is_recommendable
    from {{ ref('items') }}
),

items_counted_by_rule as (
    select
        matched.rule_id,
        count(*) as item_count,
        count(matched.stock_quantity) as counted_item_count,
        count(matched.margin_share) as priced_item_count,
        count(matched.first_sold_date) as sold_item_count,
        sum(case when items.is_recommendable then 1 else 0 end) as recommendable_item_count,
        min(matched.item_id) as first_item_id
    from int_business_rule_items_matched as matched
    inner join items on matched.item_id = items.item_id
    group by matched.rule_id
),

rules_joined_to_counts as (
    select
        rules.*,
        coalesce(counts.item_count, 0) as item_count,
        coalesce(counts.counted_item_count, 0) as counted_item_count,
        coalesce(counts.priced_item_count, 0) as priced_item_count,
        coalesce(counts.sold_item_count, 0) as sold_item_count,
        coalesce(counts.recommendable_item_count, 0) as recommendable_item_count,
        counts.first_item_id
    from int_business_rules_due as rules
    left join items_counted_by_rule as counts on rules.rule_id = counts.rule_id
),

pins as (
    select
        rule_id,
        list_name,
        amount,
        first_item_id as item_id
    from rules_joined_to_counts
    where rule_type = 'pin' and recommendable_item_count = 1
),

-- Two pins want one place, or one item two places: the first by its id stands.
pins_contradicted as (
    select
        pins.rule_id,
        min(earlier.rule_id) as earlier_rule_id
    from pins
    inner join pins as earlier
        on
            pins.rule_id > earlier.rule_id
            and (pins.amount = earlier.amount or pins.item_id = earlier.item_id)
            and coalesce(pins.list_name, earlier.list_name, '') = coalesce(earlier.list_name, pins.list_name, '')
    group by pins.rule_id
),

rules_checked as (
    select
        rules.rule_id,
        rules.rule_type,
        rules.list_name,
        rules.attribute,
        rules.value,
        case
            when rules.item_count = 0 and rules.attribute is not null
                then {{ dbt.concat(["'no item of the shop has this '", "rules.attribute"]) }}
            when rules.rule_type = 'in_stock' and rules.counted_item_count = 0
                then 'the shop has not counted the stock of these items'
            when rules.rule_type = 'margin_floor' and rules.priced_item_count = 0
                then 'the shop does not say price and cost of these items'
            when rules.rule_type = 'freshness' and rules.sold_item_count = 0
                then 'none of these items has been sold yet'
            when rules.rule_type = 'pin' and rules.recommendable_item_count = 0
                then 'the item is not one to recommend'
            when pins_contradicted.earlier_rule_id is not null
                then {{ dbt.concat(["'the same place or item is pinned by '", "pins_contradicted.earlier_rule_id"]) }}
        end as not_applied_reason,
        rules.amount,
        rules.days,
        rules.as_of_date
    from rules_joined_to_counts as rules
    left join pins_contradicted on rules.rule_id = pins_contradicted.rule_id
)

select * from rules_checked
