-- One row per offer: one coupon in one campaign.
with

int_offer_items_checked as (
    select
        campaign_id,
        coupon_code,
        reason_code
    from {{ ref('int_offer_items_checked') }}
    where coupon_code is not null
),

campaigns as (
    select
        campaign_id,
        start_date,
        end_date
    from {{ ref('campaigns') }}
),

-- Rejected lines count as a sign of the offer, not as its items: a coupon stays redeemable without them.
coupons_grouped as (
    select
        campaign_id,
        coupon_code,
        sum(case when reason_code is null then 1 else 0 end) as item_count
    from int_offer_items_checked
    group by
        campaign_id,
        coupon_code
),

offers_joined_to_campaigns as (
    select
        {{ generate_surrogate_key(['coupons_grouped.campaign_id', 'coupons_grouped.coupon_code']) }}
            as offer_id,
        coupons_grouped.campaign_id,
        coupons_grouped.coupon_code,
        cast(coupons_grouped.item_count as bigint) as item_count,
        campaigns.start_date,
        campaigns.end_date
    from coupons_grouped
    inner join campaigns on coupons_grouped.campaign_id = campaigns.campaign_id
)

select * from offers_joined_to_campaigns
