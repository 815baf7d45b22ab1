-- One row per raw line of an order or of a return.
{{ canonical() }}
