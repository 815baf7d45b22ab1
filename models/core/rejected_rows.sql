-- One row per raw row that the cleaning rules keep out of the core tables.
with

int_order_lines_checked as (
    select
        {{ generate_surrogate_key(['order_id', 'item_id', 'line_number', 'copy_number']) }} as row_key,
        reason_code,
        {{ json_text([
            'user_id', 'store_id', 'order_id', 'item_id', 'line_number', 'copy_number', 'quantity', 'sales_amount', 'loyalty_discount_amount',
            'coupon_discount_amount', 'coupon_match_discount_amount', 'week_start_date', 'ordered_at'
        ]) }} as payload,
        coalesce(sales_amount, 0) as amount,
        ordered_at as occurred_at
    from {{ ref('int_order_lines_checked') }}
    where reason_code is not null
),

int_offer_items_checked as (
    select
        {{ generate_surrogate_key(['campaign_id', 'coupon_code', 'item_id', 'copy_number']) }} as row_key,
        reason_code,
        {{ json_text(['campaign_id', 'coupon_code', 'item_id', 'copy_number']) }} as payload,
        cast(0 as decimal(18, 2)) as amount,
        cast(null as timestamp) as occurred_at
    from {{ ref('int_offer_items_checked') }}
    where reason_code is not null
),

int_events_rejected as (
    select
        {{ generate_surrogate_key(['event_key', 'user_id', 'event_type', 'copy_number']) }} as row_key,
        reason_code,
        {{ json_text([
            'event_key', 'copy_number', 'user_id', 'visitor_id', 'item_id', 'session_id', 'channel', 'device', 'query',
            'event_type', 'position', 'quantity', 'price_amount', 'occurred_at'
        ]) }} as payload,
        cast(0 as decimal(18, 2)) as amount,
        occurred_at
    from {{ ref('int_events_rejected') }}
),

-- The contract numbers no copies of identities, so those of the rejected are numbered here.
identities_numbered as (
    select
        visitor_id,
        user_id,
        link_type,
        reason_code,
        row_number() over (
            partition by visitor_id, user_id, link_type, linked_at
            order by visitor_id
        ) as copy_number,
        linked_at
    from {{ ref('int_identities_checked') }}
    where reason_code is not null
),

int_campaign_contacts_checked as (
    select
        {{ generate_surrogate_key(['campaign_id', 'user_id', 'copy_of_key']) }} as row_key,
        reason_code,
        {{ json_text(['campaign_id', 'user_id']) }} as payload,
        cast(0 as decimal(18, 2)) as amount,
        cast(null as timestamp) as occurred_at
    from {{ ref('int_campaign_contacts_checked') }}
    where reason_code is not null
),

int_offer_redemptions_checked as (
    select
        {{ generate_surrogate_key(['user_id', 'campaign_id', 'coupon_code', 'redeemed_date', 'copy_of_key']) }} as row_key,
        reason_code,
        payload,
        cast(0 as decimal(18, 2)) as amount,
        cast(redeemed_date as timestamp) as occurred_at
    from {{ ref('int_offer_redemptions_checked') }}
    where reason_code is not null
),

promotions_unusable as (
    select
        promotion_stores.item_id,
        promotion_stores.store_id,
        promotion_stores.display_code,
        promotion_stores.mailer_code,
        promotion_stores.week_start_date,
        case when promotion_stores.week_start_date is null then 'unreadable_date' else 'unknown_product' end
            as reason_code
    from {{ ref('promotion_stores') }} as promotion_stores
    left join {{ ref('items') }} as items on promotion_stores.item_id = items.item_id
    where promotion_stores.week_start_date is null or items.item_id is null
),

promotions_numbered as (
    select
        *,
        row_number() over (
            partition by item_id, store_id, display_code, mailer_code, week_start_date
            order by item_id
        ) as copy_number
    from promotions_unusable
),

promotions_rejected as (
    select
        {{ generate_surrogate_key([
            'item_id', 'store_id', 'display_code', 'mailer_code', 'week_start_date', 'copy_number'
        ]) }} as row_key,
        reason_code,
        {{ json_text(['item_id', 'store_id', 'display_code', 'mailer_code', 'week_start_date', 'copy_number']) }}
            as payload,
        cast(0 as decimal(18, 2)) as amount,
        cast(week_start_date as timestamp) as occurred_at
    from promotions_numbered
),

int_orders_checked as (
    select
        {{ generate_surrogate_key(['order_id', 'copy_of_key']) }} as row_key,
        reason_code,
        {{ json_text(['order_id', 'channel', 'device', 'payment_method', 'shipping_amount']) }} as payload,
        cast(0 as decimal(18, 2)) as amount,
        cast(null as timestamp) as occurred_at
    from {{ ref('int_orders_checked') }}
    where reason_code is not null
),

{% set checked_by_contract = [
    'users', 'items', 'campaigns', 'reviews', 'locations', 'support_messages', 'inventory_levels'
] %}
{% for entity in checked_by_contract %}
    {% set rules = rejection_rules(entity) %}
    {{ entity }}_checked as (
        select
            {{ generate_surrogate_key(rules.key + ['copy_of_key']) }} as row_key,
            reason_code,
            payload,
            cast(0 as decimal(18, 2)) as amount,
            cast({{ rules.time }} as timestamp) as occurred_at
        from ({{ checked_rows(entity) }}) as checked_{{ entity }}
        where reason_code is not null
    ),
{% endfor %}

-- Lines of raw files that never became a staged row.
malformed_lines as (
    select
        table_name,
        {{ generate_surrogate_key(['file_name', 'line_number']) }} as row_key,
        reason_code,
        {{ json_text(['file_name', 'line_number', 'byte_count', 'line_sha256']) }} as payload,
        cast(0 as decimal(18, 2)) as amount,
        cast(null as timestamp) as occurred_at
    from {{ source('landing', 'malformed_lines') }}
),

int_identities_checked as (
    select
        {{ generate_surrogate_key(['visitor_id', 'user_id', 'link_type', 'linked_at', 'copy_number']) }} as row_key,
        reason_code,
        {{ json_text(['visitor_id', 'user_id', 'link_type', 'linked_at', 'copy_number']) }} as payload,
        cast(0 as decimal(18, 2)) as amount,
        linked_at as occurred_at
    from identities_numbered
),

rejections_stacked as (
    select
        'order_lines' as table_name,
        int_order_lines_checked.*
    from int_order_lines_checked
    union all
    {% for entity in checked_by_contract %}
        select
            '{{ entity }}' as table_name,
            {{ entity }}_checked.*
        from {{ entity }}_checked
        union all
    {% endfor %}
    select
        'campaign_contacts' as table_name,
        int_campaign_contacts_checked.*
    from int_campaign_contacts_checked
    union all
    select
        'offer_redemptions' as table_name,
        int_offer_redemptions_checked.*
    from int_offer_redemptions_checked
    union all
    select
        'promotions' as table_name,
        promotions_rejected.*
    from promotions_rejected
    union all
    select
        'orders' as table_name,
        int_orders_checked.*
    from int_orders_checked
    union all
    select
        'events' as table_name,
        int_events_rejected.*
    from int_events_rejected
    union all
    select
        'offer_items' as table_name,
        int_offer_items_checked.*
    from int_offer_items_checked
    union all
    select malformed_lines.*
    from malformed_lines
    union all
    select
        'identities' as table_name,
        int_identities_checked.*
    from int_identities_checked
),

rejections_keyed as (
    select
        {{ generate_surrogate_key(['table_name', 'row_key']) }} as rejected_row_id,
        row_key,
        '{{ var("source") }}' as source_name,
        table_name,
        reason_code,
        payload,
        amount,
        occurred_at
    from rejections_stacked
)

select * from rejections_keyed
