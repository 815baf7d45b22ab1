"""Cohorts in words: the facts of a profile, the sentences that tell them, and a language model's, checked."""
