-- One row per line of the JSON review files, from the keys of whichever edition it is.
-- Ids are hashed here, so that no view shows them raw.
with

json_lines as (
    select
        asin,
        parent_asin,
        reviewerid,
        user_id,
        summary,
        title,
        reviewtext,
        text,
        style,
        image,
        images,
        helpful,
        vote,
        helpful_vote,
        overall,
        rating,
        verified,
        verified_purchase,
        unixreviewtime,
        timestamp as unix_ms
    from {{ optional_source('amazon_reviews', 'json_lines') }}
    where {{ replace_pattern('file_name', '^.*/', '') }} not like 'meta@_%' escape '@'
),

editions_united as (
    select
        {{ pseudonym(generate_surrogate_key([
            'asin', 'parent_asin', 'reviewerid', 'user_id', 'summary', 'title', 'reviewtext', 'text', 'style', 'image',
            'images', 'helpful', 'vote', 'helpful_vote', 'overall', 'rating', 'verified', 'verified_purchase',
            'unixreviewtime', 'unix_ms'
        ])) }} as review_id,
        {{ pseudonym("nullif(trim(coalesce(reviewerid, user_id)), '')") }} as user_id,
        nullif(trim(coalesce(parent_asin, asin)), '') as item_id,
        coalesce(summary, title) as title,
        coalesce(reviewtext, text) as body,
        coalesce(vote, helpful_vote, {{ json_value('helpful', '$[0]') }}) as helpful,
        {{ try_to_cast('coalesce(overall, rating)', 'double') }} as rating,
        {{ try_to_cast('coalesce(verified, verified_purchase)', 'boolean') }} as is_verified_purchase,
        coalesce(
            {{ try_to_cast('unix_ms', 'double') }},
            1000 * {{ try_to_cast('unixreviewtime', 'double') }}
        ) as unix_ms
    from json_lines
),

times_read as (
    select
        review_id,
        user_id,
        item_id,
        title,
        body,
        helpful,
        rating,
        is_verified_purchase,
        {{ from_unix_ms('unix_ms') }} as reviewed_at
    from editions_united
)

select * from times_read
