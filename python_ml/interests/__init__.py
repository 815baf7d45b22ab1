"""Interests: what each user buys as a mixture of a few themes, beside the cohort the user is in."""
