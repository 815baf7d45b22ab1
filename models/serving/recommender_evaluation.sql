-- One row per model, split, list, cohort, metric and cutoff.
with

model_evaluations as (
    select
        cohort_id,
        model_name,
        split_name,
        list_name,
        cohort_name,
        metric_name,
        champion_reason,
        model_config,
        not_evaluated_reason,
        model_version,
        cutoff,
        metric_value,
        lower_95,
        upper_95,
        user_count,
        window_days,
        is_champion,
        as_of_date
    from {{ source('ml', 'model_evaluations') }}
)

select * from model_evaluations
