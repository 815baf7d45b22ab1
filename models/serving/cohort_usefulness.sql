-- One row per grouping of users and category: how much of what users then spent it explains.
with

cohort_usefulness as (
    select
        grouping_name,
        category,
        reason,
        model_version,
        group_count,
        user_count,
        explained_share,
        explained_mix_share,
        sales_amount,
        is_overall,
        grouped_on,
        judged_until,
        as_of_date
    from {{ source('ml', 'cohort_usefulness') }}
)

select * from cohort_usefulness
