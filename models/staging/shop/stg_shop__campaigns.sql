-- One row per campaign.
{{ canonical() }}
