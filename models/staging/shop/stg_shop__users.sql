-- One row per user the shop lists.
{{ canonical() }}
