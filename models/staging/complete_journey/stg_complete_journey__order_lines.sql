-- One row per raw transaction line: one product on one till receipt.
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
        cast(sales_value as decimal(18, 2)) as sales_amount,
        cast(retail_disc as decimal(18, 2)) as loyalty_discount_amount,
        cast(coupon_disc as decimal(18, 2)) as coupon_discount_amount,
        cast(coupon_match_disc as decimal(18, 2)) as coupon_match_discount_amount,
        {{ complete_journey_week_start('week') }} as week_start_date,
        cast(transaction_timestamp as {{ dbt.type_timestamp() }}) as ordered_at
    from transactions
)

select * from renamed
