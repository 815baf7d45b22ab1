-- One row per item, store, week, shelf display and leaflet position.
{{ canonical() }}
