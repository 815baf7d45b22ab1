-- One row per campaign.
with

campaign_descriptions as (
    select
        campaign_id,
        campaign_type,
        start_date,
        end_date
    from {{ source('complete_journey', 'campaign_descriptions') }}
),

renamed as (
    select
        cast(campaign_id as {{ dbt.type_string() }}) as campaign_id,
        campaign_type,
        cast(start_date as date) as start_date,
        cast(end_date as date) as end_date
    from campaign_descriptions
)

select * from renamed
