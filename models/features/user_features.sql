-- One row per user who may be profiled, first seen before the as-of date, with everything known of that user by then.
with

as_of_dates as (
    select as_of_date
    from {{ ref('as_of_dates') }}
),

int_users_profiled as (
    select
        user_id,
        first_seen_at
    from {{ ref('int_users_profiled') }}
),

int_user_orders_summarised as (select * from {{ ref('int_user_orders_summarised') }}),

int_user_rfm_scored as (select * from {{ ref('int_user_rfm_scored') }}),

int_user_gaps_measured as (select * from {{ ref('int_user_gaps_measured') }}),

int_user_lines_summarised as (select * from {{ ref('int_user_lines_summarised') }}),

int_user_variety_measured as (select * from {{ ref('int_user_variety_measured') }}),

int_user_departments_summarised as (select * from {{ ref('int_user_departments_summarised') }}),

int_user_campaigns_summarised as (select * from {{ ref('int_user_campaigns_summarised') }}),

users_known as (
    select
        int_users_profiled.user_id,
        as_of_dates.as_of_date
    from int_users_profiled
    inner join as_of_dates on int_users_profiled.first_seen_at < as_of_dates.as_of_date
),

-- Counts and sums of nothing are 0; means, shares and dates of nothing stay null.
users_joined_to_summaries as (
    select
        users_known.user_id,
        cast(orders.recency_days as bigint) as recency_days,
        cast(coalesce(orders.order_count, 0) as bigint) as order_count,
        cast(coalesce(orders.monetary_amount, 0) as double) as monetary_amount,
        cast(orders.tenure_days as bigint) as tenure_days,
        scores.recency_score,
        scores.frequency_score,
        scores.monetary_score,
        {% for days in [28, 91] %}
            cast(coalesce(orders.order_count_{{ days }}d, 0) as bigint) as order_count_{{ days }}d,
        {% endfor %}
        {% for days in [28, 91] %}
            cast(coalesce(orders.sales_{{ days }}d_amount, 0) as double) as sales_{{ days }}d_amount,
        {% endfor %}
        {% for statistic in ['mean', 'median', 'stddev'] %}
            cast(gaps.{{ statistic }}_interpurchase_days as double) as {{ statistic }}_interpurchase_days,
        {% endfor %}
        {% for measure in ['amount', 'lines', 'units'] %}
            cast(orders.mean_order_{{ measure }} as double) as mean_order_{{ measure }},
        {% endfor %}
        cast(lines.mean_unit_price as double) as mean_unit_price,
        cast(coalesce(lines.line_count, 0) as bigint) as line_count,
        cast(coalesce(variety.distinct_item_count, 0) as bigint) as distinct_item_count,
        cast(coalesce(lines.distinct_category_count, 0) as bigint) as distinct_category_count,
        cast(coalesce(departments.distinct_department_count, 0) as bigint) as distinct_department_count,
        cast(coalesce(orders.store_count, 0) as bigint) as store_count,
        cast(variety.variety_ratio as double) as variety_ratio,
        cast(variety.repeat_line_share as double) as repeat_line_share,
        cast(departments.department_entropy as double) as department_entropy,
        cast(lines.discount_line_share as double) as discount_line_share,
        cast(lines.discount_share as double) as discount_share,
        cast(orders.coupon_order_share as double) as coupon_order_share,
        cast(lines.coupon_discount_share as double) as coupon_discount_share,
        cast(coalesce(campaigns.campaign_contact_count, 0) as bigint) as campaign_contact_count,
        cast(coalesce(campaigns.offer_redemption_count, 0) as bigint) as offer_redemption_count,
        cast(lines.private_brand_share as double) as private_brand_share,
        cast(lines.promoted_line_share as double) as promoted_line_share,
        {% for part in [
            'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday',
            'morning', 'afternoon', 'evening', 'night'
        ] %}
            cast(orders.{{ part }}_order_share as double) as {{ part }}_order_share,
        {% endfor %}
        orders.first_order_date,
        orders.last_order_date,
        users_known.as_of_date
    from users_known
    left join int_user_orders_summarised as orders on users_known.user_id = orders.user_id
    left join int_user_rfm_scored as scores on users_known.user_id = scores.user_id
    left join int_user_gaps_measured as gaps on users_known.user_id = gaps.user_id
    left join int_user_lines_summarised as lines on users_known.user_id = lines.user_id
    left join int_user_variety_measured as variety on users_known.user_id = variety.user_id
    left join int_user_departments_summarised as departments on users_known.user_id = departments.user_id
    left join int_user_campaigns_summarised as campaigns on users_known.user_id = campaigns.user_id
)

select * from users_joined_to_summaries
