-- One row per business rule that is active and in force on the as-of date.
{{ config(materialized='view', contract={'enforced': false}) }}

with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

business_rules as (
    select
        rule_id,
        rule_type,
        list_name,
        attribute,
        value,
        amount,
        days,
        valid_from,
        valid_to
    from {{ ref('business_rules') }}
    where is_active
),

business_rules_due as (
    select
        business_rules.rule_id,
        business_rules.rule_type,
        business_rules.list_name,
        business_rules.attribute,
        trim(business_rules.value) as value,
        cast(business_rules.amount as double) as amount,
        cast(business_rules.days as integer) as days,
        as_of_dates.as_of_date
    from business_rules
    inner join as_of_dates
        on
            coalesce(business_rules.valid_from, as_of_dates.as_of_date) <= as_of_dates.as_of_date
            and coalesce(business_rules.valid_to, as_of_dates.as_of_date) >= as_of_dates.as_of_date
)

select * from business_rules_due
