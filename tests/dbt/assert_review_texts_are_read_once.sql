-- Once the steps have run, every review with a text has its opinion and its topic. A warning, because a text that came
-- since then has neither until the next `make run`, which refuses to go on without.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'review_sentiment'}}}) }}
with

counts as (
    select
        (select count(*) from {{ ref('review_texts') }}) as text_count,
        (select count(*) from {{ source('ml', 'review_sentiment') }}) as read_count,
        (select count(*) from {{ ref('review_sentiment') }}) as opinion_count,
        (select count(*) from {{ source('ml', 'review_topics') }}) as sorted_count,
        (select coalesce(sum(review_count), 0) from {{ ref('topic_sizes') }}) as topic_count
)

select *
from counts
where
    (read_count > 0 and (text_count <> read_count or text_count <> opinion_count))
    or (sorted_count > 0 and (text_count <> sorted_count or text_count <> topic_count))
