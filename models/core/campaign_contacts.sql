-- One row per user contacted in a campaign.
with

int_campaign_contacts_checked as (
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
        {{ generate_surrogate_key(['contacts.campaign_id', 'contacts.user_id']) }} as campaign_contact_id,
        contacts.campaign_id,
        contacts.user_id,
        campaigns.start_date as contacted_date
    from int_campaign_contacts_checked as contacts
    left join campaigns on contacts.campaign_id = campaigns.campaign_id
)

select * from contacts_joined_to_campaigns
