-- One row per raw row that the cleaning rules keep out of the core tables.
with

int_order_lines_checked as (
    select
        {{ generate_surrogate_key(['order_id', 'item_id']) }} as row_key,
        reason_code,
        {{ json_text([
            'user_id', 'store_id', 'order_id', 'item_id', 'quantity', 'sales_usd', 'loyalty_discount_usd',
            'coupon_discount_usd', 'coupon_match_discount_usd', 'week_start_date', 'ordered_at'
        ]) }} as payload,
        sales_usd as amount_usd,
        ordered_at as occurred_at
    from {{ ref('int_order_lines_checked') }}
    where reason_code is not null
),

int_offer_items_checked as (
    select
        {{ generate_surrogate_key(['campaign_id', 'coupon_code', 'item_id', 'copy_number']) }} as row_key,
        reason_code,
        {{ json_text(['campaign_id', 'coupon_code', 'item_id', 'copy_number']) }} as payload,
        cast(0 as decimal(18, 2)) as amount_usd,
        cast(null as timestamp) as occurred_at
    from {{ ref('int_offer_items_checked') }}
    where reason_code is not null
),

rejections_stacked as (
    select
        'order_lines' as table_name,
        int_order_lines_checked.*
    from int_order_lines_checked
    union all
    select
        'offer_items' as table_name,
        int_offer_items_checked.*
    from int_offer_items_checked
),

rejections_keyed as (
    select
        {{ generate_surrogate_key(['table_name', 'row_key']) }} as rejected_row_id,
        row_key,
        '{{ var("source") }}' as source_name,
        table_name,
        reason_code,
        payload,
        amount_usd,
        occurred_at
    from rejections_stacked
)

select * from rejections_keyed
