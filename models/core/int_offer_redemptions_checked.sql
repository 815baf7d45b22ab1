-- One row per staged redemption of an offer, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

offer_redemptions as ({{ checked_rows('offer_redemptions') }}),

offers as (
    select
        campaign_id,
        coupon_code
    from {{ ref('offers') }}
),

redemptions_joined_to_offers as (
    select
        offer_redemptions.user_id,
        offer_redemptions.campaign_id,
        offer_redemptions.coupon_code,
        offer_redemptions.copy_of_key,
        offer_redemptions.payload,
        case
            when offer_redemptions.reason_code is not null then offer_redemptions.reason_code
            when offers.campaign_id is null then 'unknown_offer'
        end as reason_code,
        offer_redemptions.redeemed_date
    from offer_redemptions
    left join offers
        on
            offer_redemptions.campaign_id = offers.campaign_id
            and offer_redemptions.coupon_code = offers.coupon_code
)

select * from redemptions_joined_to_offers
