-- One row per coupon used.
with

coupon_redemptions as (
    select
        user_id,
        campaign_id,
        coupon_code,
        redeemed_at
    from {{ source('simulated', 'coupon_redemptions') }}
),

renamed as (
    select
        user_id,
        campaign_id,
        coupon_code,
        cast(redeemed_at as date) as redeemed_date
    from coupon_redemptions
)

select * from renamed
