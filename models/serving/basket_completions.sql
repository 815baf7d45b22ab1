-- One row per user with an open basket and rank: an item that orders with the basket's items hold.
with

int_open_basket_items as (
    select
        user_id,
        item_id,
        as_of_date
    from {{ ref('int_open_basket_items') }}
),

item_pairs as (
    select
        item_id,
        together_item_id,
        -- How much more often than usual an order with the one holds the other.
        confidence - together_item_share as excess
    from {{ ref('item_pairs') }}
),

items as (
    select
        item_id,
        title
    from {{ ref('items') }}
),

baskets_joined_to_pairs as (
    select
        baskets.user_id,
        item_pairs.together_item_id as item_id,
        baskets.item_id as basket_item_id,
        item_pairs.excess,
        baskets.as_of_date,
        row_number() over (
            partition by baskets.user_id, item_pairs.together_item_id
            order by item_pairs.excess desc, baskets.item_id asc
        ) as reason_rank
    from int_open_basket_items as baskets
    inner join item_pairs on baskets.item_id = item_pairs.item_id
    left join int_open_basket_items as in_basket
        on baskets.user_id = in_basket.user_id and item_pairs.together_item_id = in_basket.item_id
    where in_basket.item_id is null
),

items_scored as (
    select
        user_id,
        item_id,
        max(case when reason_rank = 1 then basket_item_id end) as reason_item_id,
        count(*) as reason_count,
        sum(excess) as score,
        as_of_date
    from baskets_joined_to_pairs
    group by user_id, item_id, as_of_date
),

items_ranked as (
    select
        *,
        row_number() over (
            partition by user_id
            order by score desc, item_id asc
        ) as rank
    from items_scored
),

items_titled as (
    select
        items_ranked.user_id,
        items_ranked.item_id,
        items_ranked.reason_item_id,
        items.title as item_title,
        reason_items.title as reason_item_title,
        cast(items_ranked.rank as integer) as rank,
        cast(items_ranked.score as double) as score,
        cast(items_ranked.reason_count as bigint) as reason_count,
        items_ranked.as_of_date
    from items_ranked
    inner join items on items_ranked.item_id = items.item_id
    inner join items as reason_items on items_ranked.reason_item_id = reason_items.item_id
    where items_ranked.rank <= {{ var('basket_completion_length') }}
)

select * from items_titled
