-- One row per order with what is known of it as a whole.
{{ canonical() }}
