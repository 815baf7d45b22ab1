-- One row per item and ISO week in which it was reviewed.
with

int_reviews_attributed as (select * from {{ ref('int_reviews_attributed') }}),

review_aspects as (
    select
        review_id,
        aspect,
        polarity
    from {{ ref('review_aspects') }}
),

items as (
    select
        item_id,
        title
    from {{ ref('items') }}
),

aspects_attributed as (
    select
        int_reviews_attributed.item_id,
        int_reviews_attributed.week_start_date,
        review_aspects.aspect,
        review_aspects.polarity
    from int_reviews_attributed
    inner join review_aspects on int_reviews_attributed.review_id = review_aspects.review_id
),

{% set keys = ['item_id', 'week_start_date'] %}
praise as (
    {{ top_values('aspects_attributed', keys, 'aspect', 'praised_aspects', most=3, where='polarity > 0') }}
),

criticism as (
    {{ top_values('aspects_attributed', keys, 'aspect', 'criticised_aspects', most=3, where='polarity < 0') }}
),

topics as (
    {{ top_values('int_reviews_attributed', keys, 'topic_name', 'top_topics', most=3) }}
),

item_weeks as (
    select
        item_id,
        week_start_date,
        count(*) as review_count,
        count(rating) as rated_review_count,
        sum(case when is_text_read then 1 else 0 end) as text_review_count,
        count(polarity) as polarity_count,
        sum(rating) as rating_sum,
        sum(polarity) as polarity_sum,
        avg(cast(case when is_negative then 1 when not is_negative then 0 end as double)) as negative_share,
        as_of_date
    from int_reviews_attributed
    group by
        item_id,
        week_start_date,
        as_of_date
),

four_weeks_before as (
    select
        item_weeks.item_id,
        item_weeks.week_start_date,
        sum(earlier.rating_sum) / nullif(sum(earlier.rated_review_count), 0) as mean_rating,
        sum(earlier.polarity_sum) / nullif(sum(earlier.polarity_count), 0) as mean_polarity
    from item_weeks
    inner join item_weeks as earlier
        on
            item_weeks.item_id = earlier.item_id
            and item_weeks.week_start_date > earlier.week_start_date
            and {{ add_days('item_weeks.week_start_date', -28) }} <= earlier.week_start_date
    group by
        item_weeks.item_id,
        item_weeks.week_start_date
),

item_weeks_cumulated as (
    select
        *,
        rating_sum / nullif(rated_review_count, 0) as mean_rating,
        polarity_sum / nullif(polarity_count, 0) as mean_polarity,
        sum(review_count) over weeks_so_far as cumulative_review_count,
        sum(rating_sum) over weeks_so_far
        / nullif(sum(rated_review_count) over weeks_so_far, 0) as cumulative_mean_rating
    from item_weeks
    window weeks_so_far as (
        partition by item_id
        order by week_start_date rows unbounded preceding
    )
),

item_weeks_described as (
    select
        item_weeks.item_id,
        items.title as item_title,
        praise.praised_aspects,
        criticism.criticised_aspects,
        topics.top_topics,
        item_weeks.review_count,
        item_weeks.rated_review_count,
        cast(item_weeks.text_review_count as bigint) as text_review_count,
        item_weeks.mean_rating,
        item_weeks.mean_polarity,
        item_weeks.negative_share,
        item_weeks.mean_rating - four_weeks_before.mean_rating as rating_trend,
        item_weeks.mean_polarity - four_weeks_before.mean_polarity as polarity_trend,
        cast(item_weeks.cumulative_review_count as bigint) as cumulative_review_count,
        item_weeks.cumulative_mean_rating,
        {{ add_days('item_weeks.week_start_date', 7) }} <= item_weeks.as_of_date as is_week_complete,
        item_weeks.week_start_date,
        item_weeks.as_of_date
    from item_weeks_cumulated as item_weeks
    left join items on item_weeks.item_id = items.item_id
    {% for list in ['four_weeks_before', 'praise', 'criticism', 'topics'] %}
        left join {{ list }}
            on
                item_weeks.item_id = {{ list }}.item_id
                and item_weeks.week_start_date = {{ list }}.week_start_date
    {% endfor %}
)

select * from item_weeks_described
