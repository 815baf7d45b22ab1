-- Every line before the as-of date counts once for its item and, unless a guest or a user who may not be profiled
-- bought, for its user, its department and as an interaction.
{{ config(meta={'dagster': {'ref': {'name': 'user_features'}}}) }}
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

core_lines as (
    select
        count(*) as all_line_count,
        sum(order_lines.sales_amount) as all_sales_amount,
        sum(case when users.has_profiling_consent then 1 else 0 end) as user_line_count,
        sum(case when users.has_profiling_consent then order_lines.sales_amount else 0 end) as user_sales_amount
    from {{ ref('order_lines') }} as order_lines
    inner join as_of_dates on order_lines.ordered_at < as_of_dates.as_of_date
    left join {{ ref('users') }} as users on order_lines.user_id = users.user_id
),

feature_lines as (
    select
        'user_features' as table_name,
        sum(line_count) as line_count,
        sum(monetary_amount) as sales_amount
    from {{ ref('user_features') }}
    union all
    select
        'user_department_features' as table_name,
        sum(line_count) as line_count,
        sum(sales_amount) as sales_amount
    from {{ ref('user_department_features') }}
    union all
    select
        'item_features' as table_name,
        sum(order_line_count) as line_count,
        sum(sales_amount) as sales_amount
    from {{ ref('item_features') }}
    union all
    select
        'interactions' as table_name,
        count(*) as line_count,
        sum(sales_amount) as sales_amount
    from {{ ref('interactions') }}
    where event_type = 'purchase'
),

-- Items are bought by guests too.
feature_lines_compared as (
    select
        feature_lines.*,
        case
            when feature_lines.table_name = 'item_features' then core_lines.all_line_count
            else core_lines.user_line_count
        end as expected_line_count,
        cast(
            case
                when feature_lines.table_name = 'item_features' then core_lines.all_sales_amount
                else core_lines.user_sales_amount
            end as double
        ) as expected_sales_amount
    from feature_lines
    cross join core_lines
)

-- Half a cent covers the rounding of adding a million floating-point amounts.
select *
from feature_lines_compared
where
    line_count <> expected_line_count
    or abs(sales_amount - expected_sales_amount) > 0.005
