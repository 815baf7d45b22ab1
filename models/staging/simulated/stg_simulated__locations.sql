-- One row per district users live in.
with

locations as (
    select
        location_id,
        country,
        region,
        city,
        postal_prefix,
        latitude,
        longitude
    from {{ source('simulated', 'locations') }}
),

renamed as (
    select
        location_id,
        country,
        region,
        city,
        postal_prefix,
        latitude,
        longitude
    from locations
)

select * from renamed
