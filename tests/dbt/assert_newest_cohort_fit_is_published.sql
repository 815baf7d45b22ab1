-- Where the last fit found no cohorts stable enough, those of the one before stay: here stands why.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'cohort_selection'}}}) }}
with

fits as (
    select
        fitted_on,
        is_chosen,
        cohort_count,
        reason,
        max(fitted_on) over () as last_fitted_on,
        max(case when is_chosen then fitted_on end) over () as published_fitted_on
    from {{ ref('cohort_selection') }}
)

select
    fitted_on,
    cohort_count,
    reason,
    published_fitted_on
from fits
where not is_chosen and fitted_on = last_fitted_on and published_fitted_on < last_fitted_on
