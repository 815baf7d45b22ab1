-- One row per item that an audience is looked for: those a marketer named or, where none is, best sellers and new ones.
with

audience_items as (
    select item_id
    from {{ ref('audience_items') }}
),

item_features as (
    select
        item_id,
        line_count_91d,
        is_recommendable,
        first_sold_date,
        as_of_date
    from {{ ref('item_features') }}
),

items_named as (
    select
        item_features.item_id,
        'named' as chosen_as,
        item_features.as_of_date
    from audience_items
    inner join item_features on audience_items.item_id = item_features.item_id
),

best_sellers as (
    select
        item_id,
        'best_seller' as chosen_as,
        as_of_date
    from item_features
    where is_recommendable and line_count_91d > 0
    qualify
        row_number() over (
            order by line_count_91d desc, item_id asc
        ) <= {{ var('audience_best_sellers') }}
),

newest as (
    select
        item_id,
        'newest' as chosen_as,
        as_of_date
    from item_features
    where is_recommendable and first_sold_date is not null
    qualify
        row_number() over (
            order by first_sold_date desc, line_count_91d desc, item_id asc
        ) <= {{ var('audience_newest_items') }}
),

items_chosen as (
    select * from items_named
    union all
    select * from best_sellers
    where not exists (select 1 from items_named)
    union all
    -- The newest may be a best seller already.
    select newest.*
    from newest
    left join best_sellers on newest.item_id = best_sellers.item_id
    where best_sellers.item_id is null and not exists (select 1 from items_named)
)

select * from items_chosen
