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

int_user_aliases as (
    select
        user_id,
        person_user_id
    from {{ ref('int_user_aliases') }}
),

-- Several users of one person are that person.
redemptions_keyed as (
    select
        {{ generate_surrogate_key([
            'redemptions.user_id', 'redemptions.campaign_id', 'redemptions.coupon_code', 'redemptions.redeemed_date'
        ]) }} as offer_redemption_id,
        {{ generate_surrogate_key(['redemptions.campaign_id', 'redemptions.coupon_code']) }} as offer_id,
        coalesce(int_user_aliases.person_user_id, redemptions.user_id) as user_id,
        redemptions.campaign_id,
        redemptions.redeemed_date
    from offer_redemptions as redemptions
    left join int_user_aliases on redemptions.user_id = int_user_aliases.user_id
)

select * from redemptions_keyed
