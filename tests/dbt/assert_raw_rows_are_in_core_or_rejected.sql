-- Every raw row ends in its core table or in rejected_rows, never in both, never in neither.
-- If events are missing, rows came later than look_back_days: `make run FULL_REFRESH=1` takes them in.
{{ config(meta={'dagster': {'ref': {'name': 'rejected_rows'}}}) }}
with

raw_counts as (
    {%- for entity in [
        'order_lines', 'orders', 'events', 'items', 'users', 'reviews', 'locations', 'support_messages',
        'inventory_levels', 'campaigns', 'campaign_contacts', 'offer_items', 'offer_redemptions', 'promotions',
        'identities'
    ] %}
        select
            '{{ entity }}' as table_name,
            count(*) as raw_count
        from {{ staging(entity) }}
        {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

core_counts as (
    {%- for entity in [
        'order_lines', 'items', 'reviews', 'locations', 'support_messages', 'inventory_levels', 'campaigns',
        'campaign_contacts', 'offer_items', 'offer_redemptions'
    ] %}
        select
            '{{ entity }}' as table_name,
            count(*) as core_count
        from {{ ref(entity) }}
        union all
    {%- endfor %}
    select
        'order_lines' as table_name,
        count(*) as core_count
    from {{ ref('order_returns') }}
    union all
    select
        'events' as table_name,
        count(*) as core_count
    from {{ ref('events') }}
    where event_type not in ('purchase', 'return')
    union all
    select
        'identities' as table_name,
        coalesce(sum(identity_count), 0) as core_count
    from {{ ref('identity_links') }}
    union all
    select
        'promotions' as table_name,
        coalesce(sum(store_count), 0) as core_count
    from {{ ref('promotions') }}
    union all
    select
        'users' as table_name,
        count(*) as core_count
    from {{ ref('users') }}
    where is_listed
    union all
    -- Orders seen in their lines alone are not in the shop's list.
    select
        'orders' as table_name,
        count(distinct listed_orders.order_id) as core_count
    from {{ staging('orders') }} as listed_orders
    where
        listed_orders.order_id in (select orders.order_id from {{ ref('orders') }} as orders)
        or listed_orders.order_id in (select returns.return_order_id from {{ ref('order_returns') }} as returns)
),

core_counts_summed as (
    select
        table_name,
        sum(core_count) as core_count
    from core_counts
    group by table_name
),

rejected_counts as (
    select
        case when table_name = 'identity_links' then 'identities' else table_name end as table_name,
        count(*) as rejected_count
    from {{ ref('rejected_rows') }}
    group by case when table_name = 'identity_links' then 'identities' else table_name end
)

select
    raw_counts.table_name,
    raw_counts.raw_count,
    core_counts_summed.core_count,
    coalesce(rejected_counts.rejected_count, 0) as rejected_count
from raw_counts
left join core_counts_summed on raw_counts.table_name = core_counts_summed.table_name
left join rejected_counts on raw_counts.table_name = rejected_counts.table_name
where
    raw_counts.raw_count
    <> coalesce(core_counts_summed.core_count, 0) + coalesce(rejected_counts.rejected_count, 0)
