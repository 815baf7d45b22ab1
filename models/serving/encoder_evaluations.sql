-- One row per way an encoder may learn from the shop: frozen against adapted on what came later.
with

encoder_evaluations as (
    select
        objective,
        method,
        metric_name,
        model_version,
        frozen_value,
        adapted_value,
        gain_lower_95,
        gain_upper_95,
        training_rows,
        held_out_rows,
        trainable_parameters,
        training_seconds,
        is_used,
        verdict,
        as_of_date
    from {{ source('ml', 'encoder_evaluations') }}
),

item_encoder_evaluations as (
    select
        objective,
        method,
        metric_name,
        model_version,
        frozen_value,
        adapted_value,
        gain_lower_95,
        gain_upper_95,
        training_rows,
        held_out_rows,
        trainable_parameters,
        training_seconds,
        is_used,
        verdict,
        as_of_date
    from {{ source('ml', 'item_encoder_evaluations') }}
),

evaluations_unioned as (
    select * from encoder_evaluations
    union all
    select * from item_encoder_evaluations
)

select * from evaluations_unioned
