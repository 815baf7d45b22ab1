-- One row per raw row of the log, typed.
-- A view: a month has 42 million rows, each with the number of a user, and no copy of those is kept.
with

log_rows as (
    select
        event_time,
        event_type,
        product_id,
        category_id,
        category_code,
        brand,
        price,
        user_id,
        user_session
    from {{ source('rees46', 'log') }}
),

rows_typed as (
    select
        {{ generate_surrogate_key([
            'event_time', 'event_type', 'product_id', 'category_id', 'category_code', 'brand', 'price', 'user_id',
            'user_session'
        ]) }} as row_key,
        nullif(trim(user_id), '') as user_id,
        nullif(trim(product_id), '') as item_id,
        nullif(trim(user_session), '') as session_id,
        nullif(lower(trim(category_code)), '') as category_code,
        nullif(lower(trim(brand)), '') as brand,
        nullif(lower(trim(event_type)), '') as event_type,
        {{ try_to_cast('price', 'decimal(18, 2)') }} as price_amount,
        {{ read_time('event_time') }} as occurred_at
    from log_rows
)

select * from rows_typed
