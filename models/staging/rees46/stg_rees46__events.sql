-- One row per raw row of the log that is no purchase.
with

log_rows as (
    select
        row_key,
        user_id,
        item_id,
        session_id,
        event_type,
        price_amount,
        occurred_at
    from {{ ref('stg_rees46__log_rows') }}
    where coalesce(event_type, 'none') <> 'purchase'
),

copies_numbered as (
    select
        row_key as event_key,
        row_number() over (
            partition by row_key
            order by row_key
        ) as copy_number,
        user_id,
        item_id,
        session_id,
        event_type,
        -- The log says 0.00 where the shop had no price.
        nullif(price_amount, 0) as price_amount,
        occurred_at
    from log_rows
)

select * from copies_numbered
