-- One row per household mailed in a campaign.
with

campaigns as (
    select
        campaign_id,
        household_id
    from {{ source('complete_journey', 'campaigns') }}
),

renamed as (
    select
        cast(campaign_id as {{ dbt.type_string() }}) as campaign_id,
        cast(household_id as {{ dbt.type_string() }}) as user_id
    from campaigns
)

select * from renamed
