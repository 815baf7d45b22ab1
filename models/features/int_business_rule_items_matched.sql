-- One row per business rule in force and item it names, with what the rule asks of the item.
{{ config(materialized='view', contract={'enforced': false}) }}

with

int_business_rules_due as (select * from {{ ref('int_business_rules_due') }}),

items as (
    select
        item_id,
        department,
        category,
        brand,
        price_amount,
        cost_amount
    from {{ ref('items') }}
),

inventory_levels as (
    select
        item_id,
        store_id,
        quantity,
        counted_date
    from {{ ref('inventory_levels') }}
),

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

int_item_lines_summarised as (
    select
        item_id,
        first_sold_date
    from {{ ref('int_item_lines_summarised') }}
),

counts_ordered as (
    select
        inventory_levels.item_id,
        inventory_levels.quantity,
        row_number() over (
            partition by inventory_levels.item_id, inventory_levels.store_id
            order by inventory_levels.counted_date desc
        ) as count_from_last
    from inventory_levels
    inner join as_of_dates on inventory_levels.counted_date < as_of_dates.as_of_date
),

stock_summed_by_item as (
    select
        item_id,
        sum(quantity) as stock_quantity
    from counts_ordered
    where count_from_last = 1
    group by item_id
),

rules_joined_to_items as (
    select
        rules.rule_id,
        rules.rule_type,
        rules.value,
        rules.amount,
        rules.days,
        items.item_id,
        case rules.attribute
            when 'item_id' then items.item_id
            when 'department' then items.department
            when 'category' then items.category
            when 'brand' then items.brand
        end as item_value,
        rules.attribute is null as is_for_every_item,
        stock_summed_by_item.stock_quantity,
        cast(
            (items.price_amount - items.cost_amount) / nullif(items.price_amount, 0) as double
        ) as margin_share,
        int_item_lines_summarised.first_sold_date,
        rules.as_of_date
    from int_business_rules_due as rules
    cross join items
    left join stock_summed_by_item on items.item_id = stock_summed_by_item.item_id
    left join int_item_lines_summarised on items.item_id = int_item_lines_summarised.item_id
),

rules_matched_to_items as (
    select
        rule_id,
        rule_type,
        item_id,
        case when rule_type = 'cap' then item_value end as group_name,
        amount,
        stock_quantity,
        margin_share,
        first_sold_date,
        {{ add_days('as_of_date', '-days') }} as new_since_date,
        as_of_date
    from rules_joined_to_items
    where is_for_every_item or (item_value is not null and (value is null or lower(item_value) = lower(value)))
)

select * from rules_matched_to_items
