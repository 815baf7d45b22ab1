-- One row per raw invoice line.
with

invoice_lines as (
    select
        order_id,
        item_id,
        user_id,
        quantity,
        unit_price,
        line_number,
        copy_number,
        is_return,
        ordered_at
    from {{ ref('stg_online_retail__invoice_lines') }}
),

lines_judged as (
    select
        order_id,
        line_number,
        copy_number,
        user_id,
        item_id,
        quantity,
        {{ try_to_cast('round(quantity * unit_price, 2)', 'decimal(18, 2)') }} as sales_amount,
        is_return,
        case
            when {{ online_retail_is_no_product('item_id') }} then 'not_a_product'
            when quantity < 0 and not is_return then 'stock_adjustment'
            when unit_price <= 0 then 'non_positive_price'
        end as reject_reason,
        ordered_at
    from invoice_lines
)

select * from lines_judged
