-- One row per user contacted in a campaign.
with

campaign_contacts as (
    select
        campaign_id,
        user_id
    from {{ ref('int_campaign_contacts_checked') }}
    where reason_code is null
),

campaigns as (
    select
        campaign_id,
        start_date
    from {{ ref('campaigns') }}
),

contacts_joined_to_campaigns as (
    select
        {{ generate_surrogate_key(['campaign_contacts.campaign_id', 'campaign_contacts.user_id']) }}
            as campaign_contact_id,
        campaign_contacts.campaign_id,
        campaign_contacts.user_id,
        campaigns.start_date as contacted_date
    from campaign_contacts
    left join campaigns on campaign_contacts.campaign_id = campaigns.campaign_id
)

select * from contacts_joined_to_campaigns
