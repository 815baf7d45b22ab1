-- One row per distinct department, category or type name in the item list, with its readable spelling.
{{ config(materialized='view') }}

with

items as (
    select
        department_code,
        category_code,
        item_type_code
    from {{ staging('items') }}
),

-- Names repeat by the thousand: spelling out the distinct ones is a hundred times less work.
phrases as (
    select department_code as raw_phrase from items
    union
    select category_code as raw_phrase from items
    union
    select item_type_code as raw_phrase from items
),

phrases_spelled_out as (
    select
        raw_phrase,
        {{ spell_out('raw_phrase') }} as phrase
    from phrases
    where raw_phrase is not null
)

select * from phrases_spelled_out
