-- One row per stock code of a product: this shop has no product list, so it is made of the invoices.
with

invoice_lines as (
    select
        item_id,
        description,
        unit_price
    from {{ ref('stg_online_retail__invoice_lines') }}
    where item_id is not null and not {{ online_retail_is_no_product('item_id') }}
),

-- Lines without a price carry notes of the stock room, such as "damaged" or "?", in place of a name.
descriptions_counted as (
    select
        item_id,
        case when unit_price > 0 then description end as name,
        count(*) as line_count
    from invoice_lines
    group by
        item_id,
        case when unit_price > 0 then description end
),

descriptions_ranked as (
    select
        item_id,
        name,
        row_number() over (
            partition by item_id
            order by case when name is null then 1 else 0 end asc, line_count desc, name asc
        ) as place
    from descriptions_counted
),

items_named as (
    select
        item_id,
        coalesce({{ capitalise('lower(name)') }}, {{ dbt.concat(["'Item '", 'item_id']) }}) as title,
        name is not null as is_described,
        item_id like 'GIFT%' as is_service
    from descriptions_ranked
    where place = 1
)

select * from items_named
