-- One row: the file does not say which discs were bought.
select
    'cd' as item_id,
    'Compact disc' as title
