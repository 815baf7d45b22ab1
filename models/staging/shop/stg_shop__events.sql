-- One row per raw act of a user that is no purchase.
{{ canonical() }}
