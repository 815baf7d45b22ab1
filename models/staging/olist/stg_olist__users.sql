-- One row per person, with the place of their latest order.
with

customers as (
    select
        customer_id,
        nullif(trim(customer_unique_id), '') as user_id,
        {{ olist_zip_prefix('customer_zip_code_prefix') }} as location_id
    from {{ source('olist', 'customers') }}
),

orders as (
    select
        customer_id,
        ordered_at
    from {{ ref('int_olist__orders_joined_to_customers') }}
),

customers_ranked as (
    select
        customers.user_id,
        customers.location_id,
        row_number() over (
            partition by customers.user_id
            order by
                orders.ordered_at desc nulls last, customers.customer_id asc nulls last,
                customers.location_id asc nulls last
        ) as place
    from customers
    left join orders on customers.customer_id = orders.customer_id
    where customers.user_id is not null
),

users_placed as (
    select
        user_id,
        'BR' as country,
        location_id,
        'pt' as language
    from customers_ranked
    where place = 1
)

select * from users_placed
