-- One row per user contacted in a campaign.
{{ canonical() }}
