-- One row per raw product.
with

products as (
    select
        product_id,
        manufacturer_id,
        department,
        brand,
        product_category,
        product_type,
        package_size
    from {{ source('complete_journey', 'products') }}
),

renamed as (
    select
        cast(product_id as {{ dbt.type_string() }}) as item_id,
        cast(manufacturer_id as {{ dbt.type_string() }}) as manufacturer_id,
        department as department_code,
        product_category as category_code,
        product_type as item_type_code,
        lower(brand) as brand,
        lower(package_size) as package_size,
        coalesce(product_type like 'GASOLINE%', false) as is_sold_by_measure,
        coalesce(
            department in (
                'FUEL', 'COUPON', 'POSTAL CENTER', 'CNTRL/STORE SUP', 'CHARITABLE CONT', 'PROD-WHS SALES'
            )
            or product_category in (
                'FUEL', 'COUPON', 'COUPON/MISC ITEMS', 'COUPONS/STORE & MFG', 'PROD SUPPLIES',
                'MEAT SUPPLIES', 'DELI SUPPLIES', 'BOTTLE DEPOSITS', 'TICKETS'
            ),
            false
        ) as is_service
    from products
)

select * from renamed
