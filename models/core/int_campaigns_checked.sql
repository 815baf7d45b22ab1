-- One row per staged campaign, with the first reason to reject it, if any.
{{ config(materialized='view') }}

with

campaigns as (
    {{ numbered_by_key('campaigns', ['campaign_id']) }}
),

campaigns_checked as (
    select
        campaign_id,
        campaign_type,
        copy_number,
        case
            when campaign_id is null then 'missing_campaign'
            when start_date is null or end_date is null then 'unreadable_time'
            when end_date < start_date then 'ends_before_start'
            when copy_number > 1 then 'repeated_key'
        end as reason_code,
        start_date,
        end_date
    from campaigns
)

select * from campaigns_checked
