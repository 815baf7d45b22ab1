-- One row per item listed.
with

items as (
    select
        item_id,
        title,
        description,
        department,
        category,
        item_type,
        brand,
        price_now
    from {{ source('simulated', 'items') }}
),

items_described as (
    select
        item_id,
        title,
        description as text,
        description,
        department,
        category,
        item_type,
        brand,
        {{ try_to_cast('price_now', 'decimal(18, 2)') }} as price_amount,
        brand = 'Everyday' as is_private_brand
    from items
)

select * from items_described
