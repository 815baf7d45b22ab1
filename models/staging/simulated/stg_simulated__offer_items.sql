-- One row per item a coupon covers.
with

coupons as (
    select
        campaign_id,
        coupon_code,
        item_id
    from {{ source('simulated', 'coupons') }}
),

renamed as (
    select
        campaign_id,
        coupon_code,
        item_id
    from coupons
)

select * from renamed
