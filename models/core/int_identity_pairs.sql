-- One row per visitor and user who were seen together.
{{ config(schema='intermediate') }}

with

int_identities_checked as (
    select
        visitor_id,
        user_id,
        linked_at
    from {{ ref('int_identities_checked') }}
    where reason_code is null
),

int_event_links_counted as (
    select
        visitor_id,
        user_id,
        link_count,
        first_linked_at,
        last_linked_at
    from {{ ref('int_event_links_counted') }}
),

links as (
    select
        visitor_id,
        user_id,
        1 as link_count,
        1 as identity_count,
        linked_at as first_linked_at,
        linked_at as last_linked_at
    from int_identities_checked
    union all
    select
        visitor_id,
        user_id,
        link_count,
        0 as identity_count,
        first_linked_at,
        last_linked_at
    from int_event_links_counted
),

pairs as (
    select
        visitor_id,
        user_id,
        cast(sum(link_count) as bigint) as link_count,
        cast(sum(identity_count) as bigint) as identity_count,
        min(first_linked_at) as first_linked_at,
        max(last_linked_at) as last_linked_at
    from links
    group by
        visitor_id,
        user_id
),

visitors_counted as (
    select
        visitor_id,
        count(*) as visitor_user_count
    from pairs
    group by visitor_id
),

pairs_joined_to_visitors as (
    select
        pairs.visitor_id,
        pairs.user_id,
        pairs.link_count,
        pairs.identity_count,
        visitors_counted.visitor_user_count,
        pairs.first_linked_at,
        pairs.last_linked_at
    from pairs
    inner join visitors_counted on pairs.visitor_id = visitors_counted.visitor_id
)

select * from pairs_joined_to_visitors
