-- To the cent: raw sales are those of order_lines plus rejected_rows; orders, events and sessions agree.
{{ config(meta={'dagster': {'ref': {'name': 'order_lines'}}}) }}
with

totals as (
    select
        (select sum(sales_usd) from {{ staging('order_lines') }}) as raw_usd,
        (select sum(sales_usd) from {{ ref('order_lines') }}) as order_lines_usd,
        (select sum(sales_usd) from {{ ref('orders') }}) as orders_usd,
        (select sum(amount_usd) from {{ ref('events') }}) as events_usd,
        (select sum(purchase_usd) from {{ ref('sessions') }}) as sessions_usd,
        (select coalesce(sum(amount_usd), 0) from {{ ref('rejected_rows') }}) as rejected_usd
)

select *
from totals
where
    raw_usd <> order_lines_usd + rejected_usd
    or orders_usd <> order_lines_usd
    or events_usd <> order_lines_usd
    or sessions_usd <> order_lines_usd
