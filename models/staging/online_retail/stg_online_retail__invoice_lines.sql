-- One row per raw invoice line, typed and numbered.
-- A table: the compressed text is parsed once.
{{ config(materialized='table') }}

with

invoice_lines as (
    select
        InvoiceNo,
        StockCode,
        Description,
        Quantity,
        InvoiceDate,
        UnitPrice,
        CustomerID,
        Country
    from {{ source('online_retail', 'invoice_lines') }}
),

lines_typed as (
    select
        upper(trim(InvoiceNo)) as order_id,
        upper(trim(StockCode)) as item_id,
        nullif({{ replace_pattern('trim(CustomerID)', '[.]0$', '') }}, '') as user_id,
        nullif(trim({{ replace_pattern('Description', ' +', ' ') }}), '') as description,
        nullif(trim(Country), '') as country,
        {{ try_to_cast('Quantity', 'bigint') }} as quantity,
        {{ try_to_cast('UnitPrice', 'decimal(18, 3)') }} as unit_price,
        {{ to_utc(read_time('InvoiceDate')) }} as ordered_at,
        InvoiceNo,
        StockCode,
        Description as raw_description,
        Quantity as raw_quantity,
        InvoiceDate,
        UnitPrice,
        CustomerID,
        Country as raw_country
    from invoice_lines
),

-- Numbered by content, so that neither the order of the rows nor of the files matters.
lines_numbered as (
    select
        *,
        row_number() over (
            partition by order_id, item_id
            order by
                ordered_at, quantity, unit_price, raw_description, user_id, raw_country, InvoiceNo, StockCode,
                raw_quantity, InvoiceDate, UnitPrice, CustomerID
        ) as line_number
    from lines_typed
),

copies_numbered as (
    select
        order_id,
        item_id,
        user_id,
        description,
        country,
        quantity,
        unit_price,
        line_number,
        row_number() over (
            partition by
                InvoiceNo, StockCode, raw_description, raw_quantity, InvoiceDate, UnitPrice, CustomerID, raw_country
            -- Of equal rows the first line is the one that stays.
            order by line_number
        ) as copy_number,
        order_id like 'C%' as is_return,
        ordered_at
    from lines_numbered
)

select * from copies_numbered
