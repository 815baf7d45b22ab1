-- One row per staged contact of a campaign, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

campaign_contacts as (
    {{ numbered_by_key('campaign_contacts', ['campaign_id', 'user_id']) }}
),

campaigns as (
    select campaign_id
    from {{ ref('int_campaigns_checked') }}
    where reason_code is null
),

contacts_checked as (
    select
        campaign_contacts.campaign_id,
        campaign_contacts.user_id,
        campaign_contacts.copy_number,
        case
            when campaign_contacts.user_id is null then 'missing_user'
            when campaigns.campaign_id is null then 'unknown_campaign'
            when campaign_contacts.copy_number > 1 then 'exact_duplicate'
        end as reason_code
    from campaign_contacts
    left join campaigns on campaign_contacts.campaign_id = campaigns.campaign_id
)

select * from contacts_checked
