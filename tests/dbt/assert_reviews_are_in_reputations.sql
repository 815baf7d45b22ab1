-- The weeks of an item, its opinions and the topics of a month count the same reviews.
{{ config(meta={'dagster': {'ref': {'name': 'item_reputation'}}}) }}
with

weeks_summed as (
    select
        item_id,
        sum(review_count) as review_count,
        sum(text_review_count) as text_review_count,
        max(cumulative_review_count) as cumulative_review_count
    from {{ ref('item_reputation') }}
    group by item_id
),

months_summed as (
    select
        review_month,
        sum(review_share) as review_share
    from {{ ref('topic_sizes') }}
    group by review_month
)

select
    item_opinions.item_id as what,
    item_opinions.review_count as expected,
    weeks_summed.review_count as found
from {{ ref('item_opinions') }} as item_opinions
full outer join weeks_summed on item_opinions.item_id = weeks_summed.item_id
where
    item_opinions.item_id is null
    or weeks_summed.item_id is null
    or item_opinions.review_count <> weeks_summed.review_count
    or item_opinions.text_review_count <> weeks_summed.text_review_count
    or item_opinions.review_count <> weeks_summed.cumulative_review_count
union all
select
    cast(review_month as {{ dbt.type_string() }}) as what,
    1 as expected,
    review_share as found
from months_summed
where abs(review_share - 1) > 0.000001
