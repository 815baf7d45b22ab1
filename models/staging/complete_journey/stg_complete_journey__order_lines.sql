-- One row per raw transaction line: one product on one till receipt.
-- A table: core reads it many times, and the numbering of lines is a sort.
{{ config(materialized='table') }}

with

transactions as (
    select
        household_id,
        store_id,
        basket_id,
        product_id,
        quantity,
        sales_value,
        retail_disc,
        coupon_disc,
        coupon_match_disc,
        week,
        transaction_timestamp
    from {{ source('complete_journey', 'transactions') }}
),

renamed as (
    select
        cast(household_id as {{ dbt.type_string() }}) as user_id,
        cast(store_id as {{ dbt.type_string() }}) as store_id,
        cast(basket_id as {{ dbt.type_string() }}) as order_id,
        cast(product_id as {{ dbt.type_string() }}) as item_id,
        quantity,
        {{ try_to_cast('sales_value', 'decimal(18, 2)') }} as sales_amount,
        {{ try_to_cast('retail_disc', 'decimal(18, 2)') }} as loyalty_discount_amount,
        {{ try_to_cast('coupon_disc', 'decimal(18, 2)') }} as coupon_discount_amount,
        {{ try_to_cast('coupon_match_disc', 'decimal(18, 2)') }} as coupon_match_discount_amount,
        {{ complete_journey_week_start('week') }} as week_start_date,
        cast(transaction_timestamp as {{ dbt.type_timestamp() }}) as ordered_at
    from transactions
),

-- A product stands on a receipt once; where it does not, its lines are numbered by content, and equal ones are copies.
lines_numbered as (
    select
        *,
        row_number() over same_product as line_number,
        row_number() over same_product - rank() over same_product + 1 as copy_number
    from renamed
    window same_product as (
        partition by order_id, item_id
        order by
            ordered_at, quantity, sales_amount, loyalty_discount_amount, coupon_discount_amount,
            coupon_match_discount_amount, week_start_date, user_id, store_id
    )
)

select * from lines_numbered
