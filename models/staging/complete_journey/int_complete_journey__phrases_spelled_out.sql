-- One row per distinct department, category or type name in the item list, with its readable spelling.
with

products as (
    select
        department_code,
        category_code,
        item_type_code
    from {{ ref('stg_complete_journey__products') }}
),

-- Names repeat by the thousand: spelling out the distinct ones is a hundred times less work.
phrases as (
    select department_code as raw_phrase from products
    union
    select category_code as raw_phrase from products
    union
    select item_type_code as raw_phrase from products
),

phrases_spelled_out as (
    select
        raw_phrase,
        {{ spell_out('raw_phrase') }} as phrase
    from phrases
    where raw_phrase is not null
)

select * from phrases_spelled_out
