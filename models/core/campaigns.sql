-- One row per marketing campaign.
with

campaigns as (
    select
        campaign_id,
        campaign_type,
        start_date,
        end_date
    from {{ ref('int_campaigns_checked') }}
    where reason_code is null
),

campaign_contacts as (
    select campaign_id
    from {{ ref('int_campaign_contacts_checked') }}
    where reason_code is null
),

contacts_counted as (
    select
        campaign_id,
        count(*) as contact_count
    from campaign_contacts
    group by campaign_id
),

campaigns_joined_to_contacts as (
    select
        campaigns.campaign_id,
        campaigns.campaign_type,
        coalesce(contacts_counted.contact_count, 0) as contact_count,
        {{ dbt.datediff('campaigns.start_date', 'campaigns.end_date', 'day') }} + 1 as duration_days,
        campaigns.start_date,
        campaigns.end_date
    from campaigns
    left join contacts_counted on campaigns.campaign_id = contacts_counted.campaign_id
)

select * from campaigns_joined_to_contacts
