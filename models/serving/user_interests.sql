-- One row per user who has ordered and interest, with its share of what the user buys.
with

user_interests as (
    select
        user_id,
        interest_id,
        interest_name,
        model_version,
        share,
        is_prior,
        as_of_date
    from {{ source('ml', 'user_interests') }}
),

user_interests_ranked as (
    select
        user_id,
        interest_id,
        interest_name,
        model_version,
        share,
        row_number() over (
            partition by user_id
            order by share desc, interest_id asc
        ) as interest_rank,
        is_prior,
        as_of_date
    from user_interests
)

select * from user_interests_ranked
