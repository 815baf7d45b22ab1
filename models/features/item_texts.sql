-- One row per item the shop lists, with one sentence that describes it.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

items as (
    select
        item_id,
        lower(department) as department,
        lower(category) as category,
        lower(item_type) as item_type,
        brand,
        package_size
    from {{ ref('items') }}
),

items_phrased as (
    select
        item_id,
        {{ capitalise("coalesce(item_type, category, 'an undescribed item')") }} as subject,
        -- The category is news only where the type does not stand in for it already.
        case when item_type is not null and category <> item_type then ', a kind of ' || category else '' end
            as kind,
        ', sold in the ' || department || ' department' as place,
        ' under a ' || brand || ' brand' as maker,
        coalesce(' in a size of ' || package_size, '') as size
    from items
),

sentences as (
    select
        item_id,
        subject || kind || place || maker || size || '.' as text
    from items_phrased
),

sentences_hashed as (
    select
        sentences.item_id,
        sentences.text,
        {{ sha256_hex('sentences.text') }} as text_hash,
        as_of_dates.as_of_date
    from sentences
    cross join as_of_dates
)

select * from sentences_hashed
