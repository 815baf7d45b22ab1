-- One row per offer redeemed by a user on a day.
{{ canonical() }}
