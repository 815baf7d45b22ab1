-- One row per line of the JSON review files, from the keys of whichever edition it is.
-- Ids are hashed here, so that no view shows them raw.
with

json_lines as (
    select
        line,
        {{ replace_pattern('file_name', '^.*/', '') }} as file_name
    from {{ optional_source('amazon_reviews', 'json_lines') }}
    where trim(line) <> ''
),

lines_parsed as (
    select
        {{ pseudonym('line') }} as review_id,
        {{ json_record('line', {
            'reviewerID': 'varchar', 'user_id': 'varchar', 'asin': 'varchar', 'parent_asin': 'varchar',
            'summary': 'varchar', 'title': 'varchar', 'reviewText': 'varchar', 'text': 'varchar',
            'helpful': 'varchar', 'vote': 'varchar', 'helpful_vote': 'varchar', 'overall': 'double',
            'rating': 'double', 'verified': 'boolean', 'verified_purchase': 'boolean',
            'unixReviewTime': 'double', 'timestamp': 'double'
        }) }} as fields
    from json_lines
    where file_name not like 'meta@_%' escape '@'
),

editions_united as (
    select
        review_id,
        {{ pseudonym("nullif(trim(coalesce(fields.reviewerid, fields.user_id)), '')") }} as user_id,
        nullif(trim(coalesce(fields.parent_asin, fields.asin)), '') as item_id,
        coalesce(fields.summary, fields.title) as title,
        coalesce(fields.reviewtext, fields.text) as body,
        coalesce(fields.vote, fields.helpful_vote, fields.helpful) as helpful,
        coalesce(fields.overall, fields.rating) as rating,
        coalesce(fields.verified, fields.verified_purchase) as is_verified_purchase,
        {{ from_unix_ms('coalesce(fields.timestamp, 1000 * fields.unixreviewtime)') }} as reviewed_at
    from lines_parsed
)

select * from editions_united
