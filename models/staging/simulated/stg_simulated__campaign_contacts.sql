-- One row per user contacted in a campaign; the held-out were not.
with

campaign_assignments as (
    select
        campaign_id,
        user_id,
        arm
    from {{ source('simulated', 'campaign_assignments') }}
),

treated as (
    select
        campaign_id,
        user_id
    from campaign_assignments
    where arm = 'treated'
)

select * from treated
