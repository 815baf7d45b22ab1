-- One row per interest and category that says most of it.
with

interest_profiles as (
    select
        interest_id,
        category,
        interest_name,
        category_label,
        model_version,
        user_share,
        user_count,
        category_rank,
        probability,
        lift,
        relevance,
        category_user_count,
        as_of_date
    from {{ source('ml', 'interest_profiles') }}
)

select * from interest_profiles
