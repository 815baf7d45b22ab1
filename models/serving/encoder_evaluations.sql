-- One row per way the encoder may learn from the shop: frozen against adapted on newer texts.
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
)

select * from encoder_evaluations
