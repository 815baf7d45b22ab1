-- One row per item the shop lists, with the text that says what it is.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

items as (
    select
        item_id,
        text
    from {{ ref('items') }}
),

texts_hashed as (
    select
        items.item_id,
        items.text,
        {{ sha256_hex('items.text') }} as text_hash,
        as_of_dates.as_of_date
    from items
    cross join as_of_dates
)

select * from texts_hashed
