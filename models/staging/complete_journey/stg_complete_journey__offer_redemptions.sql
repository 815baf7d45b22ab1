-- One row per coupon redeemed by a household.
with

coupon_redemptions as (
    select
        household_id,
        coupon_upc,
        campaign_id,
        redemption_date
    from {{ source('complete_journey', 'coupon_redemptions') }}
),

renamed as (
    select
        cast(household_id as {{ dbt.type_string() }}) as user_id,
        cast(campaign_id as {{ dbt.type_string() }}) as campaign_id,
        cast(coupon_upc as {{ dbt.type_string() }}) as coupon_code,
        cast(redemption_date as date) as redeemed_date
    from coupon_redemptions
)

select * from renamed
