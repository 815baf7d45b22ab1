-- One row per time the shop learnt which user a visitor is.
{{ canonical() }}
