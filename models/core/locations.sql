-- One row per place users live in or stores stand in.
with

locations as (
    select
        location_id,
        country,
        region,
        city,
        postal_prefix,
        -- A point off the globe is no point; half a point is none either.
        latitude between -90 and 90 and longitude between -180 and 180 as has_point,
        latitude,
        longitude
    from ({{ checked_rows('locations') }}) as checked_locations
    where reason_code is null
),

country_names as (
    select
        name,
        country_code
    from {{ ref('country_names') }}
),

locations_joined_to_countries as (
    select
        locations.location_id,
        locations.country,
        country_names.country_code,
        locations.region,
        locations.city,
        locations.postal_prefix,
        case when locations.has_point then locations.latitude end as latitude,
        case when locations.has_point then locations.longitude end as longitude
    from locations
    left join country_names on lower(locations.country) = country_names.name
)

select * from locations_joined_to_countries
