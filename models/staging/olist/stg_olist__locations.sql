-- One row per postal prefix that customers or sellers live in or the list of points has.
with

geolocation as (
    select
        {{ olist_zip_prefix('geolocation_zip_code_prefix') }} as location_id,
        nullif(lower(trim(geolocation_city)), '') as city,
        nullif(upper(trim(geolocation_state)), '') as region,
        -- Eight decimals are a millimetre; a mean of decimals does not depend on the order of the rows.
        {{ try_to_cast('geolocation_lat', 'decimal(18, 8)') }} as latitude,
        {{ try_to_cast('geolocation_lng', 'decimal(18, 8)') }} as longitude
    from {{ source('olist', 'geolocation') }}
),

customers as (
    select
        {{ olist_zip_prefix('customer_zip_code_prefix') }} as location_id,
        nullif(lower(trim(customer_city)), '') as city,
        nullif(upper(trim(customer_state)), '') as region
    from {{ source('olist', 'customers') }}
),

sellers as (
    select
        {{ olist_zip_prefix('seller_zip_code_prefix') }} as location_id,
        nullif(lower(trim(seller_city)), '') as city,
        nullif(upper(trim(seller_state)), '') as region
    from {{ source('olist', 'sellers') }}
),

-- A point that is repeated counts once. The box is Brazil with its islands; points outside it are mistakes.
points as (
    select distinct
        location_id,
        latitude,
        longitude
    from geolocation
    where latitude between -33.8 and 5.3 and longitude between -74.0 and -28.8
),

points_grouped as (
    select
        location_id,
        cast(avg(latitude) as double) as latitude,
        cast(avg(longitude) as double) as longitude
    from points
    group by location_id
),

mentions as (
    select
        location_id,
        region,
        city
    from geolocation
    union all
    select
        location_id,
        region,
        city
    from customers
    union all
    select
        location_id,
        region,
        city
    from sellers
),

mentions_grouped as (
    select
        location_id,
        region,
        city,
        count(*) as mention_count
    from mentions
    where location_id is not null
    group by
        location_id,
        region,
        city
),

-- Sellers type their city themselves and the points spell it with and without accents: the usual spelling wins.
mentions_ranked as (
    select
        *,
        row_number() over (
            partition by location_id
            order by mention_count desc, city asc nulls last, region asc nulls last
        ) as place
    from mentions_grouped
),

locations_with_points as (
    select
        mentions_ranked.location_id,
        'BR' as country,
        mentions_ranked.region,
        mentions_ranked.city,
        mentions_ranked.location_id as postal_prefix,
        points_grouped.latitude,
        points_grouped.longitude
    from mentions_ranked
    left join points_grouped on mentions_ranked.location_id = points_grouped.location_id
    where mentions_ranked.place = 1
)

select * from locations_with_points
