-- One row per candidate and metric, on reviews that were held out.
with

sentiment_evaluation as (
    select
        candidate,
        metric_name,
        model_version,
        metric_value,
        reviews,
        is_chosen,
        as_of_date
    from {{ source('ml', 'sentiment_evaluation') }}
)

select * from sentiment_evaluation
