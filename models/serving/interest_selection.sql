-- One row per number of interests tried: how well it foretold what users bought later.
with

interest_selection as (
    select
        interest_count,
        model_name,
        reason,
        model_version,
        mean_log_likelihood,
        perplexity,
        gain,
        gain_standard_error,
        shortfall,
        shortfall_standard_error,
        stability,
        smallest_user_count,
        judged_user_count,
        judged_purchase_count,
        is_eligible,
        is_chosen,
        held_out_from,
        selected_on,
        as_of_date
    from {{ source('ml', 'interest_selection') }}
)

select * from interest_selection
