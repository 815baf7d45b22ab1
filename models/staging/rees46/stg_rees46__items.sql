-- One row per product in the log, as its latest rows describe it: this shop published no product list.
with

log_rows as (
    select
        item_id,
        category_code,
        brand,
        price_amount,
        occurred_at
    from {{ ref('stg_rees46__log_rows') }}
    where item_id is not null
),

descriptions_grouped as (
    select
        item_id,
        category_code,
        brand,
        -- The log says 0.00 where the shop had no price.
        nullif(price_amount, 0) as price_amount,
        max(occurred_at) as last_seen_at
    from log_rows
    group by
        item_id,
        category_code,
        brand,
        nullif(price_amount, 0)
),

-- The latest value that is known; of two of the same second the first in the alphabet, or the lower price.
descriptions_ranked as (
    select
        item_id,
        category_code,
        brand,
        price_amount,
        row_number() over (
            partition by item_id
            order by
                case when category_code is null then 1 else 0 end asc, last_seen_at desc nulls last,
                category_code asc, brand asc nulls last, price_amount asc nulls last
        ) as category_place,
        row_number() over (
            partition by item_id
            order by
                case when brand is null then 1 else 0 end asc, last_seen_at desc nulls last,
                brand asc, category_code asc nulls last, price_amount asc nulls last
        ) as brand_place,
        row_number() over (
            partition by item_id
            order by
                case when price_amount is null then 1 else 0 end asc, last_seen_at desc nulls last,
                price_amount asc, category_code asc nulls last, brand asc nulls last
        ) as price_place
    from descriptions_grouped
),

items_described as (
    select
        item_id,
        replace(max(case when category_place = 1 then category_code end), '_', ' ') as category_code,
        max(case when brand_place = 1 then brand end) as brand,
        max(case when price_place = 1 then price_amount end) as price_amount
    from descriptions_ranked
    group by item_id
),

-- Up to four groups, as in electronics.audio.music_tools.piano; a fifth would stay with the fourth.
categories_split as (
    select
        *,
        nullif({{ dbt.split_part('category_code', "'.'", 1) }}, '') as first_group,
        nullif({{ dbt.split_part('category_code', "'.'", 2) }}, '') as second_group,
        nullif({{ dbt.split_part('category_code', "'.'", 3) }}, '') as third_group,
        case
            when category_code like '%.%.%.%'
                then {{ replace_pattern('category_code', '^([^.]*[.]){3}', '') }}
        end as fourth_group
    from items_described
),

groups_named as (
    select
        *,
        coalesce(fourth_group, third_group, second_group, first_group) as kind,
        {{ dbt.concat([
            'first_group', "coalesce(" ~ dbt.concat(["', '", 'case when third_group is not null then second_group end']) ~ ", '')",
            "coalesce(" ~ dbt.concat(["', '", 'case when fourth_group is not null then third_group end']) ~ ", '')"
        ]) }} as wider_groups
    from categories_split
),

items_named as (
    select
        item_id,
        {{ capitalise(
            'coalesce(' ~ dbt.concat(['brand', "' '", 'kind']) ~ ', brand, kind, ' ~ dbt.concat(["'item '", 'item_id']) ~ ')'
        ) }} as title,
        {{ dbt.concat([
            capitalise("coalesce(kind, 'an item')"),
            "coalesce(" ~ dbt.concat(["' by '", capitalise('brand')]) ~ ", '')",
            "coalesce(" ~ dbt.concat(["', in '", 'case when second_group is not null then wider_groups end']) ~ ", '')",
            "'.'"
        ]) }} as text,
        {{ dbt.concat([
            capitalise('first_group'),
            "coalesce(" ~ dbt.concat(["' > '", capitalise('second_group')]) ~ ", '')",
            "coalesce(" ~ dbt.concat(["' > '", capitalise('third_group')]) ~ ", '')",
            "coalesce(" ~ dbt.concat(["' > '", capitalise('fourth_group')]) ~ ", '')"
        ]) }} as category_path,
        coalesce({{ capitalise('first_group') }}, 'Unknown') as department,
        {{ capitalise('second_group') }} as category,
        {{ capitalise('coalesce(fourth_group, third_group)') }} as item_type,
        brand,
        price_amount,
        brand is not null or kind is not null as is_described
    from groups_named
)

select * from items_named
