-- One row per split, list and weight of diversity.
with

diversity_tradeoff as (
    select
        model_name,
        split_name,
        list_name,
        reason,
        model_version,
        diversity_weight,
        cutoff,
        ndcg,
        diversity,
        ndcg_loss,
        loss_lower_95,
        loss_upper_95,
        allowed_loss,
        user_count,
        is_chosen,
        as_of_date
    from {{ source('ml', 'diversity_tradeoff') }}
)

select * from diversity_tradeoff
