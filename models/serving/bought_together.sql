-- One row per item and rank: an item that is in the same orders more often than chance has it.
with

item_pairs as (select * from {{ ref('item_pairs') }}),

items as (
    select
        item_id,
        title
    from {{ ref('items') }}
),

pairs_ranked as (
    select
        *,
        row_number() over (
            partition by item_id
            order by log_likelihood_ratio desc, order_count desc, together_item_id asc
        ) as rank
    from item_pairs
),

pairs_titled as (
    select
        pairs_ranked.item_id,
        pairs_ranked.together_item_id,
        items.title as item_title,
        together_items.title as together_item_title,
        cast(pairs_ranked.rank as integer) as rank,
        pairs_ranked.order_count,
        pairs_ranked.order_count / cast(pairs_ranked.all_order_count as double) as support,
        pairs_ranked.confidence,
        pairs_ranked.lift,
        pairs_ranked.log_likelihood_ratio,
        pairs_ranked.as_of_date
    from pairs_ranked
    inner join items on pairs_ranked.item_id = items.item_id
    inner join items as together_items on pairs_ranked.together_item_id = together_items.item_id
    where pairs_ranked.rank <= {{ var('together_length') }}
)

select * from pairs_titled
