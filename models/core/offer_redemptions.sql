-- One row per offer redeemed by a user on a day.
with

offer_redemptions as (
    select
        user_id,
        campaign_id,
        coupon_code,
        redeemed_date
    from {{ ref('int_offer_redemptions_checked') }}
    where reason_code is null
),

redemptions_keyed as (
    select
        {{ generate_surrogate_key(['user_id', 'campaign_id', 'coupon_code', 'redeemed_date']) }}
            as offer_redemption_id,
        {{ generate_surrogate_key(['campaign_id', 'coupon_code']) }} as offer_id,
        user_id,
        campaign_id,
        redeemed_date
    from offer_redemptions
)

select * from redemptions_keyed
