{#-
    Which rows of an entity core rejects: rows without a required part of the key, every row of a key but the first, and
    rows a condition is true for, with its name as the reason. Order lines, events, identities and offer items have
    models of their own.
-#}
{% macro rejection_rules(entity) -%}
    {%- set unknown_product = "item_id is not null and item_id not in (select item_id from " ~ ref('items') ~ ")"
        if entity in ('reviews', 'inventory_levels') -%}
    {%- set first_time = "cast('1900-01-01' as timestamp)" -%}
    {%- set rules = {
        'users': {'key': ['user_id']},
        'items': {'key': ['item_id']},
        'orders': {'key': ['order_id']},
        'locations': {'key': ['location_id']},
        'campaigns': {
            'key': ['campaign_id'],
            'reasons': {
                'unreadable_date': 'start_date is null or end_date is null',
                'end_before_start': 'end_date < start_date',
            },
        },
        'campaign_contacts': {'key': ['campaign_id', 'user_id']},
        'offer_redemptions': {
            'key': ['user_id', 'campaign_id', 'coupon_code', 'redeemed_date'],
            'reasons': {
                'unreadable_date': 'redeemed_date is null',
                'future_time': 'redeemed_date >= ' ~ future_begins_at(),
            },
        },
        'reviews': {
            'key': ['review_id'],
            'reasons': {
                'unreadable_time': 'reviewed_at is null',
                'implausible_time': 'reviewed_at < ' ~ first_time,
                'future_time': 'reviewed_at >= ' ~ future_begins_at(),
                'rating_out_of_range': 'rating not between 1 and 5',
                'empty_review': 'rating is null and title is null and body is null',
                'unknown_product': unknown_product,
            },
        },
        'support_messages': {
            'key': ['message_id'],
            'reasons': {
                'unreadable_time': 'sent_at is null',
                'implausible_time': 'sent_at < ' ~ first_time,
                'future_time': 'sent_at >= ' ~ future_begins_at(),
                'empty_message': 'body is null',
            },
        },
        'inventory_levels': {
            'key': ['item_id', 'store_id', 'counted_date'],
            'reasons': {
                'unreadable_date': 'counted_date is null',
                'future_time': 'counted_date >= ' ~ future_begins_at(),
                'unreadable_quantity': 'quantity is null',
                'unknown_product': unknown_product,
            },
        },
    }[entity] -%}
    {%- set times = {'reviews': 'reviewed_at', 'support_messages': 'sent_at'} -%}
    {{ return({
        'key': rules.key,
        'reasons': rules.get('reasons', {}),
        'required': rules.key | select('ne', 'store_id') | reject('in', ['redeemed_date', 'counted_date']),
        'has_copy_number': entity in ('reviews', 'support_messages'),
        'has_reject_reason': entity == 'reviews',
        'time': times.get(entity, 'null'),
    }) }}
{%- endmacro %}
