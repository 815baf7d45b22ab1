-- One row per staged redemption of an offer, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

offer_redemptions as (
    {{ numbered_by_key('offer_redemptions', ['user_id', 'campaign_id', 'coupon_code', 'redeemed_date']) }}
),

offers as (
    select
        campaign_id,
        coupon_code
    from {{ ref('offers') }}
),

redemptions_checked as (
    select
        offer_redemptions.user_id,
        offer_redemptions.campaign_id,
        offer_redemptions.coupon_code,
        offer_redemptions.copy_number,
        case
            when offer_redemptions.redeemed_date is null then 'unreadable_time'
            when offer_redemptions.redeemed_date >= {{ future_begins_at() }} then 'future_time'
            when offer_redemptions.user_id is null then 'missing_user'
            when offers.campaign_id is null then 'unknown_offer'
            when offer_redemptions.copy_number > 1 then 'exact_duplicate'
        end as reason_code,
        offer_redemptions.redeemed_date
    from offer_redemptions
    left join offers
        on
            offer_redemptions.campaign_id = offers.campaign_id
            and offer_redemptions.coupon_code = offers.coupon_code
)

select * from redemptions_checked
