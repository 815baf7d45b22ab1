-- One row per clustered cohort, with the rule that tells its users from others, or why there is none.
with

cohort_rules as (
    select
        cohort_id,
        rule_text,
        rule_sql,
        reason,
        model_version,
        condition_count,
        rule_precision,
        rule_recall,
        held_out_user_count,
        is_simple,
        as_of_date
    from {{ source('ml', 'cohort_rules') }}
),

cohorts as (
    select
        cohort_id,
        cohort_name
    from {{ ref('cohorts') }}
),

rules_joined_to_cohorts as (
    select
        cohort_rules.cohort_id,
        cohorts.cohort_name,
        cohort_rules.rule_text,
        cohort_rules.rule_sql,
        cohort_rules.reason,
        cohort_rules.model_version,
        cohort_rules.condition_count,
        cohort_rules.rule_precision,
        cohort_rules.rule_recall,
        cohort_rules.held_out_user_count,
        cohort_rules.is_simple,
        cohort_rules.as_of_date
    from cohort_rules
    left join cohorts
        on cohort_rules.cohort_id = cohorts.cohort_id
)

select * from rules_joined_to_cohorts
