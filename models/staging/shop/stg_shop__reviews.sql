-- One row per raw review.
{{ canonical() }}
