-- Every line before the as-of date counts once for its user, item and department, and as an interaction.
{{ config(meta={'dagster': {'ref': {'name': 'user_features'}}}) }}
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

core_lines as (
    select
        count(*) as line_count,
        sum(order_lines.sales_usd) as sales_usd
    from {{ ref('order_lines') }} as order_lines
    inner join as_of_dates on order_lines.ordered_at < as_of_dates.as_of_date
),

feature_lines as (
    select
        'user_features' as table_name,
        sum(line_count) as line_count,
        sum(monetary_usd) as sales_usd
    from {{ ref('user_features') }}
    union all
    select
        'user_department_features' as table_name,
        sum(line_count) as line_count,
        sum(sales_usd) as sales_usd
    from {{ ref('user_department_features') }}
    union all
    select
        'item_features' as table_name,
        sum(order_line_count) as line_count,
        sum(sales_usd) as sales_usd
    from {{ ref('item_features') }}
    union all
    select
        'interactions' as table_name,
        count(*) as line_count,
        sum(sales_usd) as sales_usd
    from {{ ref('interactions') }}
)

-- Half a cent covers the rounding of adding a million floating-point amounts.
select feature_lines.*
from feature_lines
cross join core_lines
where
    feature_lines.line_count <> core_lines.line_count
    or abs(feature_lines.sales_usd - cast(core_lines.sales_usd as double)) > 0.005
