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

int_events_checked as (
    select
        {{ generate_surrogate_key(['event_key', 'user_id', 'event_type', 'copy_number']) }} as row_key,
        reason_code,
        {{ json_text(['event_key', 'copy_number', 'user_id', 'item_id', 'session_id', 'event_type', 'occurred_at']) }}
            as payload,
        cast(0 as decimal(18, 2)) as amount,
        occurred_at
    from {{ ref('int_events_checked') }}
    where reason_code is not null
),

{% for entity, keys in {
    'campaigns': ['campaign_id'],
    'campaign_contacts': ['campaign_id', 'user_id'],
    'offer_redemptions': ['user_id', 'campaign_id', 'coupon_code', 'redeemed_date'],
}.items() %}
    int_{{ entity }}_checked as (
        select
            {{ generate_surrogate_key(keys + ['copy_number']) }} as row_key,
            reason_code,
            {{ json_text(keys + ['copy_number']) }} as payload,
            cast(0 as decimal(18, 2)) as amount,
            cast(null as timestamp) as occurred_at
        from {{ ref('int_' ~ entity ~ '_checked') }}
        where reason_code is not null
    ),
{% endfor %}

-- Of rows that share their key, and of rows without one, core keeps the first and none.
{% for entity, key in {'items': 'item_id', 'users': 'user_id'}.items() %}
    {{ entity }}_numbered as (
        {{ numbered_by_key(entity, [key]) }}
    ),

    {{ entity }}_rejected as (
        select
            {{ generate_surrogate_key([key, 'copy_number']) }} as row_key,
            case when {{ key }} is null then 'missing_{{ entity[:-1] }}' else 'repeated_key' end as reason_code,
            {{ json_text([key, 'copy_number']) }} as payload,
            cast(0 as decimal(18, 2)) as amount,
            cast(null as timestamp) as occurred_at
        from {{ entity }}_numbered
        where {{ key }} is null or copy_number > 1
    ),
{% endfor %}

promotions_unusable as (
    select
        promotion_stores.item_id,
        promotion_stores.store_id,
        promotion_stores.display_code,
        promotion_stores.mailer_code,
        promotion_stores.week_start_date,
        case when promotion_stores.week_start_date is null then 'unreadable_time' else 'unknown_product' end
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

rejections_stacked as (
    select
        'order_lines' as table_name,
        int_order_lines_checked.*
    from int_order_lines_checked
    union all
    select
        'events' as table_name,
        int_events_checked.*
    from int_events_checked
    union all
    select
        'offer_items' as table_name,
        int_offer_items_checked.*
    from int_offer_items_checked
    {% for entity in ['campaigns', 'campaign_contacts', 'offer_redemptions'] %}
        union all
        select
            '{{ entity }}' as table_name,
            int_{{ entity }}_checked.*
        from int_{{ entity }}_checked
    {% endfor %}
    {% for entity in ['items', 'users', 'promotions'] %}
        union all
        select
            '{{ entity }}' as table_name,
            {{ entity }}_rejected.*
        from {{ entity }}_rejected
    {% endfor %}
    union all
    select malformed_lines.*
    from malformed_lines
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
