-- One row per raw line of an offer list: one item an offer covers in a campaign.
{{ canonical() }}
