-- One row per user who shares a visitor with another user: the person behind both, if they are few enough.
-- A visitor of more users than `identity_max_users` is a shared device and connects nobody.
{{ config(schema='intermediate') }}

{%- set max_users = var('identity_max_users') | int %}
with

int_identity_pairs as (
    select
        visitor_id,
        user_id,
        visitor_user_count,
        first_linked_at
    from {{ ref('int_identity_pairs') }}
),

-- A visitor of one user connects nobody either, and nearly all visitors are such.
connections as (
    select
        visitor_id,
        user_id
    from int_identity_pairs
    where visitor_user_count between 2 and {{ max_users }}
),

labels_0 as (
    select
        user_id,
        min(user_id) as label
    from connections
    group by user_id
),

-- Each round carries the smallest label one shared visitor further. In a component of n users no two are more than
-- n - 1 visitors apart, so after `identity_max_users` - 1 rounds every component that may be merged has one label.
{% for round in range(1, max_users) %}
    visitor_labels_{{ round }} as (
        select
            connections.visitor_id,
            min(labels_{{ round - 1 }}.label) as label
        from connections
        inner join labels_{{ round - 1 }} on connections.user_id = labels_{{ round - 1 }}.user_id
        group by connections.visitor_id
    ),

    labels_{{ round }} as (
        select
            connections.user_id,
            min(visitor_labels_{{ round }}.label) as label
        from connections
        inner join visitor_labels_{{ round }} on connections.visitor_id = visitor_labels_{{ round }}.visitor_id
        group by connections.user_id
    ),

{% endfor %}
labels as (
    select
        user_id,
        label
    from labels_{{ [max_users - 1, 0] | max }}
),

-- A component that was not followed to its end holds several labels, and as it is connected, each of them meets
-- another one at some visitor: such labels belong to a component of too many users.
visitors_between_labels as (
    select connections.visitor_id
    from connections
    inner join labels on connections.user_id = labels.user_id
    group by connections.visitor_id
    having min(labels.label) <> max(labels.label)
),

open_labels as (
    select labels.label
    from visitors_between_labels
    inner join connections on visitors_between_labels.visitor_id = connections.visitor_id
    inner join labels on connections.user_id = labels.user_id
    group by labels.label
),

labels_counted as (
    select
        label,
        count(*) as user_count
    from labels
    group by label
),

users_first_linked as (
    select
        user_id,
        min(first_linked_at) as first_linked_at
    from int_identity_pairs
    group by user_id
),

users_in_components as (
    select
        labels.user_id,
        labels.label,
        open_labels.label is null and labels_counted.user_count <= {{ max_users }} as is_merged,
        case
            when open_labels.label is null and labels_counted.user_count <= {{ max_users }}
                then labels_counted.user_count
            else {{ max_users }} + 1
        end as component_user_count,
        users_first_linked.first_linked_at
    from labels
    inner join labels_counted on labels.label = labels_counted.label
    inner join users_first_linked on labels.user_id = users_first_linked.user_id
    left join open_labels on labels.label = open_labels.label
),

users_ranked as (
    select
        user_id,
        label,
        row_number() over (
            partition by label
            order by first_linked_at, user_id
        ) as place
    from users_in_components
),

users_connected as (
    select
        users_in_components.user_id,
        case
            when users_in_components.is_merged then users_ranked.user_id else users_in_components.user_id
        end as person_user_id,
        users_in_components.component_user_count,
        users_in_components.is_merged
    from users_in_components
    inner join users_ranked on users_in_components.label = users_ranked.label and users_ranked.place = 1
)

select * from users_connected
