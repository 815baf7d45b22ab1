-- One row per user with an order before the as-of date: what the orders tell.
{{ config(materialized='view', contract={'enforced': false}) }}

{% set weekdays = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] %}
{% set parts_of_day = {
    'morning': 'shop_hour between 5 and 10',
    'afternoon': 'shop_hour between 11 and 16',
    'evening': 'shop_hour between 17 and 21',
    'night': 'shop_hour >= 22 or shop_hour < 5',
} %}

with

int_orders_as_of as (
    select
        user_id,
        store_id,
        line_count,
        capped_unit_count,
        sales_amount,
        capped_sales_amount,
        shop_weekday,
        shop_hour,
        days_before_as_of,
        has_coupon,
        order_date
    from {{ ref('int_orders_as_of') }}
),

orders_grouped_by_user as (
    select
        user_id,
        count(*) as order_count,
        sum(sales_amount) as monetary_amount,
        min(days_before_as_of) as recency_days,
        max(days_before_as_of) as tenure_days,
        sum(case when days_before_as_of <= 28 then 1 else 0 end) as order_count_28d,
        sum(case when days_before_as_of <= 91 then 1 else 0 end) as order_count_91d,
        sum(case when days_before_as_of <= 28 then sales_amount else 0 end) as sales_28d_amount,
        sum(case when days_before_as_of <= 91 then sales_amount else 0 end) as sales_91d_amount,
        avg(capped_sales_amount) as mean_order_amount,
        avg(line_count) as mean_order_lines,
        avg(capped_unit_count) as mean_order_units,
        count(distinct store_id) as store_count,
        avg(case when has_coupon then 1.0 else 0.0 end) as coupon_order_share,
        {% for weekday in weekdays %}
            avg(case when shop_weekday = {{ loop.index }} then 1.0 else 0.0 end) as {{ weekday }}_order_share,
        {% endfor %}
        {% for part, hours in parts_of_day.items() %}
            avg(case when {{ hours }} then 1.0 when shop_hour is not null then 0.0 end) as {{ part }}_order_share,
        {% endfor %}
        min(order_date) as first_order_date,
        max(order_date) as last_order_date
    from int_orders_as_of
    group by user_id
)

select * from orders_grouped_by_user
