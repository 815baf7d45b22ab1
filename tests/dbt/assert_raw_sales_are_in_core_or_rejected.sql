-- To the cent: raw sales are those of order_lines less refunds plus rejected_rows; orders, events, sessions agree.
{{ config(meta={'dagster': {'ref': {'name': 'order_lines'}}}) }}
with

totals as (
    select
        (select coalesce(sum(sales_amount), 0) from {{ staging('order_lines') }}) as raw_amount,
        (select coalesce(sum(sales_amount), 0) from {{ ref('order_lines') }}) as order_lines_amount,
        (select coalesce(sum(refund_amount), 0) from {{ ref('order_returns') }}) as refunds_amount,
        (select coalesce(sum(sales_amount), 0) from {{ ref('orders') }}) as orders_amount,
        (
            select coalesce(sum(amount), 0)
            from {{ ref('events') }}
            where event_type = 'purchase'
        ) as events_amount,
        (select coalesce(sum(purchase_amount), 0) from {{ ref('sessions') }}) as sessions_amount,
        (select coalesce(sum(amount), 0) from {{ ref('rejected_rows') }}) as rejected_amount
)

select *
from totals
where
    raw_amount <> order_lines_amount - refunds_amount + rejected_amount
    or orders_amount <> order_lines_amount
    or events_amount <> order_lines_amount
    or sessions_amount <> order_lines_amount
