-- One row per campaign.
with

campaigns as (
    select
        campaign_id,
        starts_on,
        ends_on
    from {{ source('simulated', 'campaigns') }}
),

renamed as (
    select
        campaign_id,
        'One coupon for all' as campaign_type,
        starts_on as start_date,
        ends_on as end_date
    from campaigns
)

select * from renamed
