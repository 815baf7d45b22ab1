-- One row per raw message to or from customer service.
{{ canonical() }}
