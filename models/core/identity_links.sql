-- One row per visitor and user who were seen together, with the person behind them.
with

int_identity_pairs as (
    select
        visitor_id,
        user_id,
        link_count,
        identity_count,
        visitor_user_count,
        first_linked_at,
        last_linked_at
    from {{ ref('int_identity_pairs') }}
),

int_users_connected as (
    select
        user_id,
        person_user_id,
        component_user_count,
        is_merged
    from {{ ref('int_users_connected') }}
),

pairs_joined_to_persons as (
    select
        int_identity_pairs.*,
        coalesce(int_users_connected.person_user_id, int_identity_pairs.user_id) as person_user_id,
        coalesce(int_users_connected.component_user_count, 1) as component_user_count,
        coalesce(int_users_connected.is_merged, false) as is_in_merged_component,
        int_identity_pairs.visitor_user_count > {{ var('identity_max_users') }} as is_shared_device
    from int_identity_pairs
    left join int_users_connected on int_identity_pairs.user_id = int_users_connected.user_id
),

links_explained as (
    select
        {{ generate_surrogate_key(['visitor_id', 'user_id']) }} as identity_link_id,
        visitor_id,
        user_id,
        person_user_id,
        {{ generate_surrogate_key(['person_user_id']) }} as component_id,
        case
            when is_shared_device then 'shared_device'
            when component_user_count = 1 then 'one_user'
            when is_in_merged_component then 'merged'
            else 'too_many_users'
        end as reason,
        link_count,
        identity_count,
        visitor_user_count,
        component_user_count,
        is_in_merged_component and not is_shared_device as is_merged,
        first_linked_at,
        last_linked_at
    from pairs_joined_to_persons
)

select * from links_explained
