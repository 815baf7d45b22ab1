-- One row per staged coupon line, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

offer_items as (
    select
        campaign_id,
        coupon_code,
        item_id
    from {{ staging('offer_items') }}
),

items as (
    select item_id
    from {{ ref('items') }}
),

campaigns as (
    select campaign_id
    from ({{ checked_rows('campaigns') }}) as checked_campaigns
    where reason_code is null
),

offer_items_numbered as (
    select
        campaign_id,
        coupon_code,
        item_id,
        -- Exact duplicates differ in nothing, so any order keeps the same row.
        row_number() over (
            partition by campaign_id, coupon_code, item_id
            order by item_id
        ) as copy_number
    from offer_items
),

offer_items_checked as (
    select
        offer_items_numbered.campaign_id,
        offer_items_numbered.coupon_code,
        offer_items_numbered.item_id,
        offer_items_numbered.copy_number,
        case
            when offer_items_numbered.coupon_code is null then 'missing_offer'
            when campaigns.campaign_id is null then 'unknown_campaign'
            when items.item_id is null then 'unknown_product'
            when offer_items_numbered.copy_number > 1 then 'exact_duplicate'
        end as reason_code
    from offer_items_numbered
    left join items on offer_items_numbered.item_id = items.item_id
    left join campaigns on offer_items_numbered.campaign_id = campaigns.campaign_id
)

select * from offer_items_checked
