-- One row per raw line of the coupon list: one product a coupon covers in a campaign.
with

coupons as (
    select
        coupon_upc,
        product_id,
        campaign_id
    from {{ source('complete_journey', 'coupons') }}
),

renamed as (
    select
        cast(campaign_id as {{ dbt.type_string() }}) as campaign_id,
        cast(coupon_upc as {{ dbt.type_string() }}) as coupon_code,
        cast(product_id as {{ dbt.type_string() }}) as item_id
    from coupons
)

select * from renamed
