-- One row per user contacted in a campaign.
with

int_campaign_contacts_checked as (
    select
        campaign_id,
        user_id
    from {{ ref('int_campaign_contacts_checked') }}
    where reason_code is null
),

int_user_aliases as (
    select
        user_id,
        person_user_id
    from {{ ref('int_user_aliases') }}
),

campaigns as (
    select
        campaign_id,
        start_date
    from {{ ref('campaigns') }}
),

-- Several users of one person are that person, who may have been contacted under each name.
contacts_joined_to_campaigns as (
    select
        {{ generate_surrogate_key(['contacts.campaign_id', 'contacts.user_id']) }} as campaign_contact_id,
        contacts.campaign_id,
        coalesce(int_user_aliases.person_user_id, contacts.user_id) as user_id,
        campaigns.start_date as contacted_date
    from int_campaign_contacts_checked as contacts
    left join int_user_aliases on contacts.user_id = int_user_aliases.user_id
    left join campaigns on contacts.campaign_id = campaigns.campaign_id
)

select * from contacts_joined_to_campaigns
