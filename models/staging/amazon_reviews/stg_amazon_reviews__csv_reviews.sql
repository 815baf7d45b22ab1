-- One row per review of the 2014 files saved as CSV.
-- Ids are hashed here, so that no view shows them raw.
with

csv_reviews as (
    select
        reviewerid,
        asin,
        helpful,
        reviewtext,
        overall,
        summary,
        unixreviewtime
    from {{ optional_source('amazon_reviews', 'csv_reviews') }}
),

reviews_typed as (
    select
        {{ pseudonym(generate_surrogate_key(
            ['reviewerid', 'asin', 'helpful', 'reviewtext', 'overall', 'summary', 'unixreviewtime']
        )) }} as review_id,
        {{ pseudonym("nullif(trim(reviewerid), '')") }} as user_id,
        nullif(trim(asin), '') as item_id,
        summary as title,
        reviewtext as body,
        {{ json_value('helpful', '$[0]') }} as helpful,
        {{ try_to_cast('overall', 'double') }} as rating,
        cast(null as boolean) as is_verified_purchase,
        {{ from_unix_ms('1000 * ' ~ try_to_cast('unixreviewtime', 'double')) }} as reviewed_at
    from csv_reviews
)

select * from reviews_typed
