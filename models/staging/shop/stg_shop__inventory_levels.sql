-- One row per item, store and day the stock was counted on.
{{ canonical() }}
