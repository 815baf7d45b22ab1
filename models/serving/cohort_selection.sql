-- One row per fit, method and number of cohorts tried, with the measures that decided.
with

cohort_selection as (
    select
        clustering_method,
        cohort_count,
        reason,
        model_version,
        silhouette,
        davies_bouldin,
        stability_ari,
        bootstrap_ari,
        usefulness,
        smallest_cohort_share,
        largest_cohort_share,
        inertia,
        is_eligible,
        is_chosen,
        fitted_on,
        as_of_date
    from {{ source('ml', 'cohort_selection') }}
)

select * from cohort_selection
