-- One row per staged campaign contact, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

campaign_contacts as ({{ checked_rows('campaign_contacts') }}),

campaigns as (
    select campaign_id
    from ({{ checked_rows('campaigns') }}) as checked_campaigns
    where reason_code is null
),

listed_users as (
    select
        user_id,
        coalesce(has_marketing_consent, false) as has_marketing_consent
    from ({{ checked_rows('users') }}) as checked_users
    where reason_code is null
),

-- Where the shop keeps consent at all, a user it does not list has given none.
consent_of_unlisted as (
    select coalesce(min(case when has_marketing_consent then 1 else 0 end), 1) = 1 as is_presumed
    from listed_users
),

contacts_joined_to_consent as (
    select
        campaign_contacts.campaign_id,
        campaign_contacts.user_id,
        campaign_contacts.copy_of_key,
        case
            when campaign_contacts.reason_code is not null then campaign_contacts.reason_code
            when campaigns.campaign_id is null then 'unknown_campaign'
            when not coalesce(listed_users.has_marketing_consent, consent_of_unlisted.is_presumed)
                then 'no_marketing_consent'
        end as reason_code
    from campaign_contacts
    left join campaigns on campaign_contacts.campaign_id = campaigns.campaign_id
    left join listed_users on campaign_contacts.user_id = listed_users.user_id
    cross join consent_of_unlisted
)

select * from contacts_joined_to_consent
