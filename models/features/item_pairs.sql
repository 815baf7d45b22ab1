-- One row per item and item to offer with it: the two are in one order more often than chance has it.
with

int_baskets_as_of as (
    select
        order_id,
        item_id,
        buyer_id,
        as_of_date
    from {{ ref('int_baskets_as_of') }}
),

item_features as (
    select
        item_id,
        is_recommendable,
        last_sold_date,
        as_of_date
    from {{ ref('item_features') }}
),

orders_counted as (
    select count(distinct order_id) as order_count
    from int_baskets_as_of
),

-- What is in fewer orders than a pair must be in is in no such pair.
items_counted as (
    select
        item_id,
        count(*) as order_count
    from int_baskets_as_of
    group by item_id
    having count(*) >= {{ var('together_min_orders') }}
),

basket_items as (
    select
        int_baskets_as_of.order_id,
        int_baskets_as_of.item_id,
        int_baskets_as_of.buyer_id,
        int_baskets_as_of.as_of_date
    from int_baskets_as_of
    inner join items_counted on int_baskets_as_of.item_id = items_counted.item_id
),

pairs_counted_by_buyer as (
    select
        basket_items.item_id as first_item_id,
        others.item_id as second_item_id,
        basket_items.buyer_id,
        basket_items.as_of_date,
        count(*) as order_count
    from basket_items
    inner join basket_items as others
        on basket_items.order_id = others.order_id and basket_items.item_id < others.item_id
    group by basket_items.item_id, others.item_id, basket_items.buyer_id, basket_items.as_of_date
),

pairs_counted as (
    select
        first_item_id,
        second_item_id,
        as_of_date,
        sum(order_count) as order_count,
        count(*) as buyer_count
    from pairs_counted_by_buyer
    group by first_item_id, second_item_id, as_of_date
    having sum(order_count) >= {{ var('together_min_orders') }} and count(*) >= {{ var('together_min_buyers') }}
),

pairs_both_ways as (
    select
        first_item_id as item_id,
        second_item_id as together_item_id,
        order_count,
        buyer_count,
        as_of_date
    from pairs_counted
    union all
    select
        second_item_id as item_id,
        first_item_id as together_item_id,
        order_count,
        buyer_count,
        as_of_date
    from pairs_counted
),

items_offered as (
    select item_id
    from item_features
    where is_recommendable and last_sold_date >= {{ add_days('as_of_date', -var('together_sold_days')) }}
),

pairs_joined_to_counts as (
    select
        pairs_both_ways.item_id,
        pairs_both_ways.together_item_id,
        cast(pairs_both_ways.order_count as double) as both_count,
        cast(items_counted.order_count as double) as item_count,
        cast(together_items.order_count as double) as together_count,
        cast(orders_counted.order_count as double) as all_count,
        pairs_both_ways.buyer_count,
        pairs_both_ways.as_of_date
    from pairs_both_ways
    inner join items_offered on pairs_both_ways.together_item_id = items_offered.item_id
    inner join items_counted on pairs_both_ways.item_id = items_counted.item_id
    inner join items_counted as together_items on pairs_both_ways.together_item_id = together_items.item_id
    cross join orders_counted
),

pairs_measured as (
    select
        item_id,
        together_item_id,
        cast(both_count as bigint) as order_count,
        cast(buyer_count as bigint) as buyer_count,
        cast(item_count as bigint) as item_order_count,
        cast(together_count as bigint) as together_item_order_count,
        cast(all_count as bigint) as all_order_count,
        both_count / item_count as confidence,
        together_count / all_count as together_item_share,
        both_count * all_count / (item_count * together_count) as lift,
        {{ log_likelihood_ratio('both_count', 'item_count', 'together_count', 'all_count') }} as log_likelihood_ratio,
        as_of_date
    from pairs_joined_to_counts
),

pairs_beyond_chance as (
    select *
    from pairs_measured
    where lift > 1 and log_likelihood_ratio >= {{ var('together_min_log_likelihood_ratio') }}
)

select * from pairs_beyond_chance
