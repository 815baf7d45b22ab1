-- One row per customer number, with the country of the latest invoice.
with

invoice_lines as (
    select
        user_id,
        country,
        ordered_at
    from {{ ref('stg_online_retail__invoice_lines') }}
    where user_id is not null
),

countries_ranked as (
    select
        user_id,
        country,
        row_number() over (
            partition by user_id
            order by ordered_at desc nulls last, country asc
        ) as place
    from invoice_lines
),

users_with_country as (
    select
        user_id,
        country
    from countries_ranked
    where place = 1
)

select * from users_with_country
