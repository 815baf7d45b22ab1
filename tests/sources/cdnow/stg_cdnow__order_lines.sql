-- One row per line of the file, nothing left out.
with

cdnow_master as (
    select line
    from {{ source('cdnow', 'cdnow_master') }}
),

fields_cut as (
    select
        trim(substring(line, 2, 5)) as customer,
        trim(substring(line, 8, 8)) as day,
        trim(substring(line, 17, 2)) as cds,
        trim(substring(line, 20, 7)) as dollars
    from cdnow_master
),

renamed as (
    select
        {{ pseudonym(generate_surrogate_key(['customer', 'day'])) }} as order_id,
        -- Equal lines are two purchases of a day: the published totals count both.
        row_number() over (partition by customer, day order by cds, dollars) as line_number,
        customer as user_id,
        'cd' as item_id,
        {{ try_to_cast('cds', 'bigint') }} as quantity,
        {{ try_to_cast('dollars', 'decimal(18, 2)') }} as sales_amount,
        {{ to_utc(read_time_as('day', '%Y%m%d')) }} as ordered_at
    from fields_cut
)

select * from renamed
