-- One row per item the shop lists.
{{ canonical() }}
