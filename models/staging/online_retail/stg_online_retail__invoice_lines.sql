-- One row per raw invoice line, typed and numbered.
-- A table: the compressed text is parsed once. So customer numbers are hashed here, before they are kept.
{{ config(materialized='table') }}

with

invoice_lines as (
    select
        raw_invoice,
        raw_code,
        raw_description,
        raw_quantity,
        raw_time,
        raw_price,
        raw_customer,
        raw_country
    from {{ source('online_retail', 'invoice_lines') }}
),

lines_typed as (
    select
        *,
        upper(trim(raw_invoice)) as order_id,
        upper(trim(raw_code)) as item_id,
        nullif({{ replace_pattern('trim(raw_customer)', '[.]0$', '') }}, '') as customer_number,
        nullif(trim({{ replace_pattern('raw_description', ' +', ' ') }}), '') as description,
        nullif(trim(raw_country), '') as country,
        {{ try_to_cast('raw_quantity', 'bigint') }} as quantity,
        {{ try_to_cast('raw_price', 'decimal(18, 3)') }} as unit_price,
        {{ to_utc(read_time('raw_time')) }} as ordered_at
    from invoice_lines
),

-- Numbered by content, so that neither the order of the rows nor of the files matters.
lines_numbered as (
    select
        *,
        row_number() over (
            partition by order_id, item_id
            order by
                ordered_at, quantity, unit_price, raw_description, raw_customer, raw_country, raw_invoice, raw_code,
                raw_quantity, raw_time, raw_price
        ) as line_number
    from lines_typed
),

copies_numbered as (
    select
        order_id,
        item_id,
        {{ pseudonym('customer_number') }} as user_id,
        description,
        country,
        quantity,
        unit_price,
        line_number,
        row_number() over (
            partition by
                raw_invoice, raw_code, raw_description, raw_quantity, raw_time, raw_price, raw_customer, raw_country
            -- Of equal rows the first line is the one that stays.
            order by line_number
        ) as copy_number,
        order_id like 'C%' as is_return,
        ordered_at
    from lines_numbered
)

select * from copies_numbered
