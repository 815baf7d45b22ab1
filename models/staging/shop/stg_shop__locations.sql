-- One row per place users live in or stores stand in.
{{ canonical() }}
