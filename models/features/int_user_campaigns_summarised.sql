-- One row per user with a campaign contact or a redemption before the as-of date.
{{ config(materialized='view', contract={'enforced': false}) }}

with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

campaign_contacts as (
    select
        user_id,
        contacted_date
    from {{ ref('campaign_contacts') }}
),

offer_redemptions as (
    select
        user_id,
        redeemed_date
    from {{ ref('offer_redemptions') }}
),

campaign_events as (
    select
        user_id,
        1 as contact_count,
        0 as redemption_count,
        contacted_date as happened_date
    from campaign_contacts
    union all
    select
        user_id,
        0 as contact_count,
        1 as redemption_count,
        redeemed_date as happened_date
    from offer_redemptions
),

campaign_events_grouped_by_user as (
    select
        campaign_events.user_id,
        sum(campaign_events.contact_count) as campaign_contact_count,
        sum(campaign_events.redemption_count) as offer_redemption_count
    from campaign_events
    inner join as_of_dates on campaign_events.happened_date < as_of_dates.as_of_date
    group by campaign_events.user_id
)

select * from campaign_events_grouped_by_user
