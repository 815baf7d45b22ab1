-- One row per accepted event of the web log, with its person, session and visit.
-- Incremental by day. What one event changes stays within its visit, and what a new identity changes within the
-- persons it names, so those alone are worked out again; all else of a full rebuild would come out the same.
{{ config(
    schema='intermediate',
    materialized='incremental',
    incremental_strategy='replace_window',
    unique_key='event_id',
    on_schema_change='fail',
    meta={'window_column': 'occurred_at', 'window_settings': session_settings()}
) }}

{%- set gap_minutes = var('session_gap_minutes') | int %}
{%- set bucket_seconds = 60 * gap_minutes %}
with

int_events_checked as (
    select
        event_id,
        event_key,
        user_id,
        visitor_id,
        item_id,
        session_id,
        channel,
        device,
        query,
        event_type,
        position,
        quantity,
        price_amount,
        occurred_at
    from {{ ref('int_events_checked') }}
    where
        reason_code is null
        and {{ in_window('occurred_at', session_settings()) }}
),

int_user_aliases as (
    select
        user_id,
        person_user_id
    from {{ ref('int_user_aliases') }}
),

int_visitor_users as (
    select
        visitor_id,
        person_user_id
    from {{ ref('int_visitor_users') }}
),

{% if is_incremental() -%}
-- Persons who lost or won events by what was learnt of identities since the last run.
persons_compared as (
    select
        known_events.person_id as last_person_id,
        {{ person_id(
            person_user_id('known_events', 'int_user_aliases', 'int_visitor_users'), 'known_events.visitor_id'
        ) }} as person_id
    from {{ this }} as known_events
    left join int_user_aliases on known_events.account_user_id = int_user_aliases.user_id
    left join int_visitor_users on known_events.visitor_id = int_visitor_users.visitor_id
    where not {{ in_window('known_events.occurred_at', session_settings(), known_as='occurred_at') }}
),

persons_changed as (
    select last_person_id as person_id
    from persons_compared
    where last_person_id <> person_id
    union distinct
    select person_id
    from persons_compared
    where last_person_id <> person_id
),

-- Of the days outside the window: what those persons did, and visits that an event of the window could prolong.
known_events_to_sessionise as (
    select known_events.*
    from {{ this }} as known_events
    left join persons_changed on known_events.person_id = persons_changed.person_id
    where
        not {{ in_window('known_events.occurred_at', session_settings(), known_as='occurred_at') }}
        and (
            persons_changed.person_id is not null
            or {{ in_window(
                dbt.dateadd('minute', gap_minutes, 'known_events.visit_ended_at'),
                session_settings(),
                known_as='occurred_at',
                until=dbt.dateadd('minute', -gap_minutes, 'known_events.visit_started_at')
            ) }}
        )
),
{%- endif %}

-- Read twice, for the visits and for the rows, and as wide as the log: written down it would fill the disk.
events_keyed as {{ inlined() }} (
    select
        event_id,
        event_key,
        user_id as account_user_id,
        visitor_id,
        session_id as platform_session_id,
        item_id,
        channel,
        device,
        query,
        event_type,
        position,
        quantity as unit_count,
        price_amount,
        occurred_at
    from int_events_checked
    {% if is_incremental() -%}
    union all
    select
        event_id,
        event_key,
        account_user_id,
        visitor_id,
        platform_session_id,
        item_id,
        channel,
        device,
        query,
        event_type,
        position,
        unit_count,
        price_amount,
        occurred_at
    from known_events_to_sessionise
    {%- endif %}
),

events_joined_to_users as {{ inlined() }} (
    select
        events_keyed.*,
        {{ person_user_id('events_keyed', 'int_user_aliases', 'int_visitor_users') }} as user_id
    from events_keyed
    left join int_user_aliases on events_keyed.account_user_id = int_user_aliases.user_id
    left join int_visitor_users on events_keyed.visitor_id = int_visitor_users.visitor_id
),

events_to_sessionise as {{ inlined() }} (
    select
        events_joined_to_users.*,
        {{ person_id('user_id', 'visitor_id') }} as person_id,
        {{ time_bucket('occurred_at', bucket_seconds) }} as bucket
    from events_joined_to_users
),

-- Events in one bucket are never a gap apart, so visits are cut between buckets: no window runs over events.
buckets as (
    select
        person_id,
        bucket,
        count(*) as event_count,
        min(occurred_at) as first_at,
        max(occurred_at) as last_at
    from events_to_sessionise
    group by
        person_id,
        bucket
),

buckets_compared as (
    select
        person_id,
        bucket,
        event_count,
        first_at,
        last_at,
        lag(last_at) over (
            partition by person_id
            order by bucket
        ) as previous_at
    from buckets
),

buckets_in_visits as (
    select
        person_id,
        bucket,
        event_count,
        last_at,
        max(
            case
                when previous_at is null or first_at > {{ dbt.dateadd('minute', gap_minutes, 'previous_at') }}
                    then first_at
            end
        ) over (
            partition by person_id
            order by bucket
            rows between unbounded preceding and current row
        ) as visit_started_at
    from buckets_compared
),

visits as (
    select
        person_id,
        visit_started_at,
        {{ generate_surrogate_key(['person_id', 'visit_started_at']) }} as visit_id,
        cast(sum(event_count) as bigint) as visit_event_count,
        max(last_at) as visit_ended_at
    from buckets_in_visits
    group by
        person_id,
        visit_started_at
),

visits_judged as (
    select
        visits.*,
        {{ is_bot_visit('visit_event_count', 'visit_started_at', 'visit_ended_at') }} as is_bot
    from visits
),

visits_of_buckets as (
    select
        buckets_in_visits.person_id,
        buckets_in_visits.bucket,
        visits_judged.visit_id,
        visits_judged.is_bot,
        visits_judged.visit_started_at,
        visits_judged.visit_ended_at
    from buckets_in_visits
    inner join visits_judged
        on
            buckets_in_visits.person_id = visits_judged.person_id
            and buckets_in_visits.visit_started_at = visits_judged.visit_started_at
),

events_sessionised as (
    select
        events_to_sessionise.event_id,
        events_to_sessionise.event_key,
        events_to_sessionise.person_id,
        events_to_sessionise.account_user_id,
        events_to_sessionise.user_id,
        events_to_sessionise.visitor_id,
        events_to_sessionise.platform_session_id,
        coalesce(events_to_sessionise.platform_session_id, visits_of_buckets.visit_id) as session_id,
        events_to_sessionise.item_id,
        events_to_sessionise.channel,
        events_to_sessionise.device,
        events_to_sessionise.query,
        events_to_sessionise.event_type,
        {{ session_settings() }} as settings,
        events_to_sessionise.position,
        events_to_sessionise.unit_count,
        events_to_sessionise.price_amount,
        visits_of_buckets.is_bot,
        events_to_sessionise.occurred_at,
        visits_of_buckets.visit_started_at,
        visits_of_buckets.visit_ended_at
    from events_to_sessionise
    inner join visits_of_buckets
        on
            events_to_sessionise.person_id = visits_of_buckets.person_id
            and events_to_sessionise.bucket = visits_of_buckets.bucket
)

select * from events_sessionised
