-- One row per item that an offer covers.
with

int_offer_items_checked as (
    select
        campaign_id,
        coupon_code,
        item_id
    from {{ ref('int_offer_items_checked') }}
    where reason_code is null
),

offer_items_keyed as (
    select
        {{ generate_surrogate_key(['campaign_id', 'coupon_code', 'item_id']) }} as offer_item_id,
        {{ generate_surrogate_key(['campaign_id', 'coupon_code']) }} as offer_id,
        item_id
    from int_offer_items_checked
)

select * from offer_items_keyed
